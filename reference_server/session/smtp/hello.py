"""EHLO, HELO, LHLO and STARTTLS: who the client is and what the server offers."""

from reference_server.codec.sasl import MECHANISMS
from reference_server.codec.smtp.command import is_hello_name
from reference_server.session.base import StartTls
from reference_server.session.smtp.conversation import Conversation
from reference_server.session.smtp.desk import Role
from reference_server.session.smtp.verification import tells

_MOST_IN_LIMITS = 999_999
"""RFC 9422 §4.2: RCPTMAX has six digits at most."""


def ehlo(c: Conversation, argument: bytes | None) -> None:
    """Greet, list the extensions, and start afresh (RFC 5321 §4.1.1.1, §4.1.4)."""
    name = _hello_name(c, argument, literal=True)
    if name is None:
        return
    c.hello_name = name
    c.extended = True
    c.envelope = None
    greeting = f"{c.settings.hostname} greets {name}"
    if "smtp-multiline-codes" in c.defects:
        lines = (greeting, *extensions(c))
        c.outbox += "".join(
            f"{250 + number % 2}{' ' if number == len(lines) - 1 else '-'}{line}\r\n"
            for number, line in enumerate(lines)
        ).encode("ascii")
        return
    # The replies to EHLO and HELO carry no enhanced code (RFC 2034 §4).
    c.say(250, "", greeting, *extensions(c))


lhlo = ehlo


def helo(c: Conversation, argument: bytes | None) -> None:
    """Greet a client without extensions (RFC 5321 §4.1.1.1)."""
    name = _hello_name(c, argument, literal=True)
    if name is None:
        return
    c.hello_name = name
    c.extended = False
    c.envelope = None
    c.say(250, "", c.settings.hostname)


def _hello_name(c: Conversation, argument: bytes | None, *, literal: bool) -> str | None:
    if argument is None or not is_hello_name(argument, literal=literal):
        c.refuse(501, "5.5.4", "a domain or an address literal is expected")
        return None
    return argument.decode("ascii")


def extensions(c: Conversation) -> list[str]:
    """Return the EHLO keywords for the conversation as it stands."""
    settings = c.settings
    keywords = [
        "PIPELINING",
        f"SIZE {settings.max_message_octets}",
        "8BITMIME",
        "CHUNKING",
        "BINARYMIME",
        "SMTPUTF8",
        "DSN",
        "ENHANCEDSTATUSCODES",
    ]
    if settings.max_recipients <= _MOST_IN_LIMITS:
        told = settings.max_recipients * (2 if "smtp-rcptmax-too-high" in c.defects else 1)
        keywords.append(f"LIMITS RCPTMAX={told}")
    if "smtp-utf8-without-8bitmime" in c.defects:
        keywords.remove("8BITMIME")
    if settings.offers_starttls and not c.secure:
        keywords.append("STARTTLS")
    if settings.role is Role.SUBMISSION and c.account is None and (c.secure or settings.clear_logins):
        keywords.append("AUTH " + " ".join(MECHANISMS))
    if tells(c):
        # RFC 5321 §3.5.2: "if EXPN is supported, it MUST be listed".
        keywords.append("EXPN")
    keywords.append("HELP")
    return keywords


async def starttls(c: Conversation, argument: bytes | None) -> None:
    """Start TLS; what was said in clear, and what came with it, is forgotten (RFC 3207 §4.2, §6)."""
    if argument is not None:
        c.refuse(501, "5.5.4", "STARTTLS takes no argument")
        return
    if c.secure:
        c.refuse(503, "5.5.1", "TLS is in use already")
        return
    if not c.settings.offers_starttls:
        c.refuse(502, "5.5.1", "STARTTLS is not offered here")
        return
    c.say(220, "2.0.0", "ready to start TLS")
    kept = bytes(c.inbox) if "smtp-starttls-injection" in c.defects else b""
    c.inbox.clear()
    if not await StartTls():
        c.ended = True
        return
    c.inbox[:0] = kept
    if "smtp-starttls-state-kept" not in c.defects:
        c.forget()
    c.secure = True
