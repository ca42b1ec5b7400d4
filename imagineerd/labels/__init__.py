"""Labels: captions, tags and ratings of takes, by a labeler in a container or by hand."""
