"""Tests of the LoRA library and its parts."""
