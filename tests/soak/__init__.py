"""A day of work in minutes: memory, descriptors and the database stay as they are designed."""
