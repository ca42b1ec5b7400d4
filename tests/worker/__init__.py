"""Tests of the worker process and its parts."""
