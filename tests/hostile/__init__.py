"""Whatever is sent to the sockets, and whatever stands in the files: refused in a sentence, with flat memory."""
