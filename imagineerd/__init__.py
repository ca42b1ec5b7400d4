"""The daemon of imagineer: it owns a Stable Diffusion pipeline and a durable job queue."""
