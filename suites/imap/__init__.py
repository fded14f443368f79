"""What the IMAP suites share: small questions to a server, and ways for a server to be wrong."""
