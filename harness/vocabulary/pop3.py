"""The words of POP3: indicators, verbs, capabilities, response codes and limits, each with its section."""

from enum import StrEnum


class Verb(StrEnum):
    """Command words; RFC 1939 §9 unless another source is named."""

    USER = "USER"
    PASS = "PASS"  # noqa: S105 (a command word)
    APOP = "APOP"
    QUIT = "QUIT"
    STAT = "STAT"
    LIST = "LIST"
    RETR = "RETR"
    DELE = "DELE"
    NOOP = "NOOP"
    RSET = "RSET"
    TOP = "TOP"
    UIDL = "UIDL"
    CAPA = "CAPA"
    """RFC 2449 §5."""
    STLS = "STLS"
    """RFC 2595 §4."""
    AUTH = "AUTH"
    """RFC 5034 §4."""
    UTF8 = "UTF8"
    """RFC 6856 §2.1."""
    LANG = "LANG"
    """RFC 6856 §3."""


class State(StrEnum):
    """The states of a session (RFC 1939 §3)."""

    AUTHORIZATION = "AUTHORIZATION"
    TRANSACTION = "TRANSACTION"
    UPDATE = "UPDATE"


class Capability(StrEnum):
    """CAPA tags; RFC 2449 §6 unless another source is named."""

    TOP = "TOP"
    USER = "USER"
    SASL = "SASL"
    """The parameters are the SASL mechanisms."""
    RESP_CODES = "RESP-CODES"
    LOGIN_DELAY = "LOGIN-DELAY"
    PIPELINING = "PIPELINING"
    EXPIRE = "EXPIRE"
    UIDL = "UIDL"
    IMPLEMENTATION = "IMPLEMENTATION"
    STLS = "STLS"
    """RFC 2595 §4."""
    AUTH_RESP_CODE = "AUTH-RESP-CODE"
    """RFC 3206 §6."""
    UTF8 = "UTF8"
    """RFC 6856 §2."""
    LANG = "LANG"
    """RFC 6856 §3."""


class ResponseCode(StrEnum):
    """What may stand in brackets at the start of a response's text."""

    LOGIN_DELAY = "LOGIN-DELAY"
    """RFC 2449 §8.1.1."""
    IN_USE = "IN-USE"
    """RFC 2449 §8.1.2."""
    SYS_TEMP = "SYS/TEMP"
    """RFC 3206 §4."""
    SYS_PERM = "SYS/PERM"
    """RFC 3206 §4."""
    AUTH = "AUTH"
    """RFC 3206 §5."""
    UTF8 = "UTF8"
    """RFC 6856 §5."""


POSITIVE = b"+OK"
"""The positive status indicator, always in upper case (RFC 1939 §3)."""
NEGATIVE = b"-ERR"
"""The negative status indicator, always in upper case (RFC 1939 §3)."""

MAX_RESPONSE_LINE_OCTETS = 512
"""First line of a response and each line of CAPA, with the CRLF (RFC 1939 §3, RFC 2449 §4 and §5)."""
MAX_CHALLENGE_LINE_OCTETS = 12288
"""For a line of an AUTH exchange: RFC 5034 §4 sets no limit, and what suffices is known from RFC 4954 §4."""
MAX_COMMAND_OCTETS = 255
"""With the CRLF, where CAPA is supported (RFC 2449 §4)."""
MAX_ARGUMENT_OCTETS = 40
"""Without CAPA (RFC 1939 §3)."""
MAX_UNIQUE_ID_OCTETS = 70
"""One to 70 characters in the range 0x21 to 0x7E (RFC 1939 §7)."""
MIN_AUTOLOGOUT_S = 600
"""The least duration of an inactivity timer (RFC 1939 §3)."""
