"""Tests of `imagineerd/grids/`."""
