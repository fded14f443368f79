"""Commands that touch no transaction: NOOP, HELP, QUIT, and those that no longer are."""

from reference_server.codec.smtp.reply import reply
from reference_server.session.smtp.conversation import Conversation

_OK = reply(250, "2.0.0", "OK")
_USAGE = {
    b"EHLO": "EHLO domain or address literal",
    b"HELO": "HELO domain or address literal",
    b"LHLO": "LHLO domain or address literal",
    b"MAIL": "MAIL FROM:<sender> [SIZE= BODY= SMTPUTF8 RET= ENVID= AUTH=]",
    b"RCPT": "RCPT TO:<recipient> [NOTIFY= ORCPT=]",
    b"DATA": "DATA, and after 354 the message, ended by a line that holds a single dot",
    b"BDAT": "BDAT octets [LAST], followed by so many octets of the message",
    b"RSET": "RSET",
    b"NOOP": "NOOP [anything]",
    b"VRFY": "VRFY user name or mailbox [SMTPUTF8]",
    b"EXPN": "EXPN name of a list [SMTPUTF8]",
    b"HELP": "HELP [command]",
    b"QUIT": "QUIT",
    b"STARTTLS": "STARTTLS",
    b"AUTH": "AUTH mechanism [initial response]",
}


def noop(c: Conversation, argument: bytes | None) -> None:
    """Answer 250, whatever the argument says (RFC 5321 §4.1.1.9)."""
    if argument is not None and "smtp-noop-arg" in c.defects:
        c.refuse(501, "5.5.4", "NOOP takes no argument")
        return
    c.outbox += _OK


def help_(c: Conversation, argument: bytes | None) -> None:
    """List the commands, or tell how one of them is written (RFC 5321 §4.1.1.8)."""
    if argument is None:
        verbs = " ".join(verb.decode("ascii") for verb in c.commands)
        c.say(214, "2.0.0", "commands:", verbs)
        return
    verb = argument.strip().upper()
    usage = _USAGE.get(verb)
    if usage is None or verb not in c.commands:
        c.refuse(504, "5.5.4", "no help on that")
        return
    c.say(214, "2.0.0", usage)


def not_implemented(c: Conversation, argument: bytes | None) -> None:  # noqa: ARG001
    """Refuse a command that is known, and out of use (RFC 5321 §4.2.4, §F.1, §F.6)."""
    c.refuse(502, "5.5.1", "command not implemented")


def quit_(c: Conversation, argument: bytes | None) -> None:
    """Say 221 and close (RFC 5321 §4.1.1.10)."""
    if argument is not None:
        c.refuse(501, "5.5.4", "QUIT takes no argument")
        return
    c.say(221, "2.0.0", f"{c.settings.hostname} closing connection")
    c.ended = True
