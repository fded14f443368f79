"""The reference mail server: MTA, submission, LMTP, MDA, POP3 and IMAP over one durable store."""
