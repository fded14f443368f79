"""SMTP and LMTP as a client reads and writes them (RFC 5321, RFC 2033), without input and output."""

from harness.wire.smtp.command import encode_auth, encode_command, encode_mail, encode_rcpt
from harness.wire.smtp.ehlo import EhloResponse, parse_ehlo
from harness.wire.smtp.reply import EnhancedCode, Reply, ReplyReader
from harness.wire.smtp.text import dot_stuff, dot_unstuff

__all__ = [
    "EhloResponse",
    "EnhancedCode",
    "Reply",
    "ReplyReader",
    "dot_stuff",
    "dot_unstuff",
    "encode_auth",
    "encode_command",
    "encode_mail",
    "encode_rcpt",
    "parse_ehlo",
]
