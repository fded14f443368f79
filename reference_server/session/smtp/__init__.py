"""The SMTP and submission session, sans-IO: one conversation, its commands one file per concern."""
