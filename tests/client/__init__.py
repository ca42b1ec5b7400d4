"""Tests of the client and its parts."""
