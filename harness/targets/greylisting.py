"""Greylisting: a server that tells every unknown sender to come again later (RFC 6647).

It is lawful, and makes an ordinary delivery fail that nothing is wrong with. It is told from a fault by an
ordinary recipient, asked for by a sender that the server has never heard of.
"""

import re
import secrets
from collections.abc import Iterable

from harness.targets.recorder import Dialogue
from harness.targets.target import Target
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.services import Service

_TURNED_AWAY = re.compile(rb"(?m)^45[01][ -]")
_TRANSIENT = frozenset({450, 451})
"""RFC 6647 §2.1 names both; 452 is a full disk, or too many recipients."""
_MEND = "have the address that mailproof comes from whitelisted there"


def was_turned_away(dialogues: Iterable[Dialogue]) -> bool:
    """Say whether the server has answered by 450 or 451 where mail is handed in from elsewhere."""
    return any(
        dialogue.service is Service.SMTP and _TURNED_AWAY.search(dialogue.transcript.received())
        for dialogue in dialogues
    )


def greylisting(target: Target) -> str | None:
    """Ask for an ordinary recipient as an unknown sender; what the server says if it is: come again later."""
    account = next(iter(target.accounts), None)
    if account is None or target.file.endpoint(Service.SMTP) is None:
        return None
    sender = f"{secrets.token_hex(6)}@client.mailproof.test"
    try:
        with target.smtp() as client:
            mail = client.mail(sender)
            if not mail.is_positive:
                return None
            reply = client.rcpt(account.address)
            client.rset()
    except MailproofError:
        return None
    if reply.code not in _TRANSIENT:
        return None
    words = reply.octets.decode(errors="replace").strip()
    return f"greylisting: {words!r} for {account.address}, to a sender that smtp does not know; {_MEND}"
