"""The server's own reading and writing of the protocols; nothing of it is shared with the harness."""
