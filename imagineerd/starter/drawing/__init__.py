"""Draws the training cards: geometry on a 384x576 canvas, reduced four times at the end."""
