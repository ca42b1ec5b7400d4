"""LoRA files without torch: the library of them, and what the header of one tells."""
