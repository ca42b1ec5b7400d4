"""The embedded starter model: a toy-size Stable Diffusion 1.5 pipeline, and the program that trains it."""
