"""Tests of the sets and their parts."""
