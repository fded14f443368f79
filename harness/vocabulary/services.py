"""The services of a mail server, how they use TLS, and their ports."""

from enum import StrEnum


class Service(StrEnum):
    """A listening service of a mail server; the names of a target file's `[service.NAME]` tables."""

    SMTP = "smtp"
    """The MX role: mail for the server's own domains, without authentication."""
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"
    LMTP = "lmtp"
    POP3 = "pop3"
    POP3S = "pop3s"
    IMAP = "imap"
    IMAPS = "imaps"


class Tls(StrEnum):
    """How a service uses TLS."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


STANDARD_PORTS: dict[Service, int] = {
    Service.SMTP: 25,
    Service.SUBMISSION: 587,
    Service.SUBMISSIONS: 465,
    Service.LMTP: 24,
    Service.POP3: 110,
    Service.POP3S: 995,
    Service.IMAP: 143,
    Service.IMAPS: 993,
}
"""The well-known ports (RFC 6409 §3.1, RFC 8314 §7; 24 is the registered private-mail port for LMTP)."""

HIGH_PORTS: dict[Service, int] = {
    Service.SMTP: 2525,
    Service.SUBMISSION: 2587,
    Service.SUBMISSIONS: 2465,
    Service.LMTP: 2424,
    Service.POP3: 2110,
    Service.POP3S: 2995,
    Service.IMAP: 2143,
    Service.IMAPS: 2993,
}
"""Ports that need no root, each the well-known one with a 2 in front of its last three digits or so."""

STANDARD_DNS_PORT = 53
HIGH_DNS_PORT = 2053

DEFAULT_TLS: dict[Service, Tls] = {
    Service.SMTP: Tls.STARTTLS,
    Service.SUBMISSION: Tls.STARTTLS,
    Service.SUBMISSIONS: Tls.IMPLICIT,
    Service.LMTP: Tls.NONE,
    Service.POP3: Tls.STARTTLS,
    Service.POP3S: Tls.IMPLICIT,
    Service.IMAP: Tls.STARTTLS,
    Service.IMAPS: Tls.IMPLICIT,
}
