"""The IMAP session (RFC 3501): a loop that reads commands, and one small file for every verb."""

from reference_server.session.imap import commands

__all__ = ["commands"]
