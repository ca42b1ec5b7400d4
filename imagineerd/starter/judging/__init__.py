"""Measuring what the starter model draws: two judges, the questions they answer, and how good the judges are."""
