"""The terminal side of imagineer: the command line and the terminal UI."""
