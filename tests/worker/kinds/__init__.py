"""Tests of the job kinds."""
