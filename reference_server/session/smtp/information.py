"""Commands that touch no transaction: NOOP, VRFY, EXPN, HELP, QUIT."""

from reference_server.codec.smtp.reply import reply
from reference_server.session.smtp.conversation import Conversation

_OK = reply(250, "2.0.0", "OK")


def noop(c: Conversation, argument: bytes | None) -> None:
    """Answer 250, whatever the argument says (RFC 5321 §4.1.1.9)."""
    if argument is not None and "smtp-noop-arg" in c.defects:
        c.refuse(501, "5.5.4", "NOOP takes no argument")
        return
    c.outbox += _OK


def vrfy(c: Conversation, argument: bytes | None) -> None:
    """Claim nothing about a user (RFC 5321 §3.5.3, §7.3: 252 where verification is disabled)."""
    if argument is None:
        c.refuse(501, "5.5.4", "VRFY is followed by a user name or a mailbox")
        return
    if "smtp-vrfy-claims" in c.defects:
        c.say(250, "2.1.5", f"<{argument.decode('ascii', 'replace')}>")
        return
    c.say(252, "2.0.0", "cannot VRFY user, but will accept the message and attempt delivery")


def expn(c: Conversation, argument: bytes | None) -> None:
    """Refuse: there are no mailing lists to expand (RFC 5321 §3.5.2)."""
    if argument is None:
        c.refuse(501, "5.5.4", "EXPN is followed by the name of a list")
        return
    c.refuse(550, "5.1.1", "no mailing list of that name")


def help_(c: Conversation, argument: bytes | None) -> None:  # noqa: ARG001
    """List the commands (RFC 5321 §4.1.1.8)."""
    verbs = " ".join(verb.decode("ascii") for verb in c.commands)
    c.say(214, "2.0.0", "commands:", verbs)


def quit_(c: Conversation, argument: bytes | None) -> None:
    """Say 221 and close (RFC 5321 §4.1.1.10)."""
    if argument is not None:
        c.refuse(501, "5.5.4", "QUIT takes no argument")
        return
    c.say(221, "2.0.0", f"{c.settings.hostname} closing connection")
    c.ended = True
