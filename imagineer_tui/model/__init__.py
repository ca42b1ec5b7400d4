"""What the terminal UI knows of the daemon, without Textual: plain data (`world`) and pure functions on it."""
