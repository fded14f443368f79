"""Sizes that RFC 5321 §4.5.3.1 and the extensions put on what a client may send."""

COMMAND_LINE_OCTETS = 512
"""RFC 5321 §4.5.3.1.4: the command line with its CRLF."""
MAIL_LINE_OCTETS = COMMAND_LINE_OCTETS + 26 + 17 + 500 + 107 + 9 + 10
"""MAIL grows by SIZE (RFC 1870 §3), BODY (RFC 6152 §2; RFC 3030 §3 has 16), AUTH (RFC 4954 §3), ENVID of 100
characters and RET (RFC 3461 §4.3, §4.4) and SMTPUTF8 (RFC 6531 §3.1)."""
RCPT_LINE_OCTETS = COMMAND_LINE_OCTETS + 501 + 29
"""RCPT grows by ORCPT of 500 characters and by the longest NOTIFY (RFC 3461 §4.1, §4.2)."""
AUTH_LINE_OCTETS = 12_288
"""RFC 4954 §4.5: the longest line of an authentication exchange."""
LONGEST_LINE_OCTETS = AUTH_LINE_OCTETS
PATH_OCTETS = 256
"""RFC 5321 §4.5.3.1.3: with the angle brackets and the separators."""
LOCAL_PART_OCTETS = 64
"""RFC 5321 §4.5.3.1.1."""
DOMAIN_OCTETS = 255
"""RFC 5321 §4.5.3.1.2."""
REPLY_LINE_OCTETS = 512
"""RFC 5321 §4.5.3.1.5: the reply line with its code and CRLF."""
HOP_LIMIT = 100
"""RFC 5321 §6.3: Received fields that a message may carry before it counts as looping."""
