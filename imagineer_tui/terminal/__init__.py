"""The terminal that the UI runs on: what it can show, how it is written to, how it is left."""
