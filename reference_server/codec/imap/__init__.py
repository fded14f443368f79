"""The server's reading and writing of IMAP (RFC 3501): commands in, responses out, no state of a session."""
