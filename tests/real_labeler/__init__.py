"""The real labeler: the Dockerfile that ships, on a base made here, up to a container of the daemon's."""
