"""Grids: one card with every combination of some values, and the contact sheet of them."""
