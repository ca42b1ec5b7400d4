"""The worker process: the only package that may import torch, diffusers or docker."""
