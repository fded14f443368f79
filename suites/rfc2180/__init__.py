"""RFC 2180, IMAP4 multi-accessed mailbox practice: a survey of what it leaves to the server."""
