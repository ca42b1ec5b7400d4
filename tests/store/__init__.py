"""Tests of the store and its parts."""
