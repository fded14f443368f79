"""The words of SMTP and LMTP: reply codes, verbs, extension keywords and limits, each with its section."""

from enum import IntEnum, StrEnum


class Code(IntEnum):
    """Reply codes; RFC 5321 §4.2.3 unless another source is named.

    An unknown code is legal: it is judged by its first digit (RFC 5321 §4.2), so that code in a reply is
    an `int` and never this enumeration.
    """

    SYSTEM_STATUS = 211
    HELP = 214
    READY = 220
    CLOSING = 221
    AUTHENTICATED = 235
    """RFC 4954 §6."""
    OK = 250
    WILL_FORWARD = 251
    CANNOT_VERIFY = 252
    CONTINUE_AUTHENTICATION = 334
    """RFC 4954 §6."""
    START_MAIL_INPUT = 354
    NOT_AVAILABLE = 421
    PASSWORD_TRANSITION_NEEDED = 432
    """RFC 4954 §6."""
    MAILBOX_BUSY = 450
    LOCAL_ERROR = 451
    INSUFFICIENT_STORAGE = 452
    """Also "too many recipients" (RFC 5321 §4.5.3.1.10)."""
    TEMPORARY_AUTHENTICATION_FAILURE = 454
    """RFC 4954 §6; also "TLS not available due to temporary reason" (RFC 3207 §4)."""
    PARAMETERS_NOT_ACCOMMODATED = 455
    SYNTAX_ERROR = 500
    ARGUMENT_SYNTAX_ERROR = 501
    NOT_IMPLEMENTED = 502
    BAD_SEQUENCE = 503
    PARAMETER_NOT_IMPLEMENTED = 504
    NO_MAIL_SERVICE = 521
    """RFC 7504 §3."""
    AUTHENTICATION_REQUIRED = 530
    """RFC 4954 §6; also "Must issue a STARTTLS command first" (RFC 3207 §4)."""
    MECHANISM_TOO_WEAK = 534
    """RFC 4954 §6."""
    CREDENTIALS_INVALID = 535
    """RFC 4954 §6."""
    ENCRYPTION_REQUIRED = 538
    """RFC 4954 §6."""
    MAILBOX_UNAVAILABLE = 550
    NOT_LOCAL = 551
    STORAGE_EXCEEDED = 552
    MAILBOX_NAME_NOT_ALLOWED = 553
    TRANSACTION_FAILED = 554
    PARAMETERS_NOT_RECOGNIZED = 555
    DOMAIN_ACCEPTS_NO_MAIL = 556
    """RFC 7504 §4; the other end has a null MX (RFC 7505 §4)."""


class Verb(StrEnum):
    """Command words; RFC 5321 §4.1.1 unless another source is named."""

    EHLO = "EHLO"
    HELO = "HELO"
    LHLO = "LHLO"
    """RFC 2033 §4.1: LMTP's only greeting."""
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    RSET = "RSET"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    NOOP = "NOOP"
    QUIT = "QUIT"
    STARTTLS = "STARTTLS"
    """RFC 3207 §4."""
    AUTH = "AUTH"
    """RFC 4954 §4."""
    BDAT = "BDAT"
    """RFC 3030 §2."""


MINIMUM_VERBS = (
    Verb.EHLO,
    Verb.HELO,
    Verb.MAIL,
    Verb.RCPT,
    Verb.DATA,
    Verb.RSET,
    Verb.NOOP,
    Verb.QUIT,
    Verb.VRFY,
)
"""What every receiver supports (RFC 5321 §4.5.1)."""


class Keyword(StrEnum):
    """EHLO keywords of the service extensions that mailproof knows."""

    PIPELINING = "PIPELINING"
    """RFC 2920."""
    SIZE = "SIZE"
    """RFC 1870."""
    EIGHT_BIT_MIME = "8BITMIME"
    """RFC 6152."""
    STARTTLS = "STARTTLS"
    """RFC 3207."""
    AUTH = "AUTH"
    """RFC 4954; the parameter lists the SASL mechanisms."""
    ENHANCED_STATUS_CODES = "ENHANCEDSTATUSCODES"
    """RFC 2034."""
    DSN = "DSN"
    """RFC 3461."""
    CHUNKING = "CHUNKING"
    """RFC 3030."""
    BINARY_MIME = "BINARYMIME"
    """RFC 3030."""
    SMTP_UTF8 = "SMTPUTF8"
    """RFC 6531."""
    DELIVER_BY = "DELIVERBY"
    """RFC 2852."""
    FUTURE_RELEASE = "FUTURERELEASE"
    """RFC 4865."""
    MT_PRIORITY = "MT-PRIORITY"
    """RFC 6710; RFC 6758 tunnels it through hosts that lack it."""
    REQUIRE_TLS = "REQUIRETLS"
    """RFC 8689."""
    HELP = "HELP"
    """RFC 5321 §4.1.1.8."""
    VRFY = "VRFY"
    """RFC 5321 §3.5.2."""
    EXPN = "EXPN"
    """RFC 5321 §3.5.2."""


MAX_LOCAL_PART_OCTETS = 64
"""RFC 5321 §4.5.3.1.1."""
MAX_DOMAIN_OCTETS = 255
"""RFC 5321 §4.5.3.1.2."""
MAX_PATH_OCTETS = 256
"""With the angle brackets (RFC 5321 §4.5.3.1.3)."""
MAX_COMMAND_LINE_OCTETS = 512
"""With the CRLF; extensions may raise it (RFC 5321 §4.5.3.1.4)."""
MAX_REPLY_LINE_OCTETS = 512
"""With the code and the CRLF (RFC 5321 §4.5.3.1.5)."""
MAX_TEXT_LINE_OCTETS = 1000
"""With the CRLF, without the dot that transparency adds (RFC 5321 §4.5.3.1.6)."""
MIN_MESSAGE_OCTETS = 65536
"""The least message size that every receiver takes (RFC 5321 §4.5.3.1.7)."""
MIN_RECIPIENTS = 100
"""The least number of recipients that every receiver buffers (RFC 5321 §4.5.3.1.8)."""
MAX_AUTHENTICATION_LINE_OCTETS = 12288
"""What suffices for a base64 line of an AUTH exchange, which no other limit binds (RFC 4954 §4)."""
