import re
from collections.abc import Callable

from hypothesis import assume
from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import PROSE, Finding, Need, given, requirement, verify_equal, verify_ok
from harness.strategies import messages, mime
from harness.targets import Maildrop, Target
from harness.targets.inbox import poll
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.imap import FetchData
from suites.journeys.content import verify_intact


def _mail() -> st.SearchStrategy[bytes]:
    """Messages with dots, long lines, octets of eight bits, and parts."""
    return st.one_of(
        messages.conforming_messages(long=True),
        messages.conforming_messages(utf8=True),
        mime.messages().map(lambda tree: tree.octets),
    )


def _deliver(target: Target, maildrop: Maildrop, sent: list[bytes]) -> Pop3Client:
    """Have messages delivered as mail; a POP3 session that sees them all."""
    if not all(message.isascii() for message in sent):
        assume("8BITMIME" in target.offers(Service.SMTP if target.lacks(Service.SMTP) is None else Service.LMTP))
    for message in sent:
        target.deliver(maildrop, message)
    session: Pop3Client | None = None

    def all_there() -> bool:
        nonlocal session
        if session is not None:
            session.quit()
            session.close()
        session = maildrop.open()
        return len(session.list()) >= len(sent)

    if not poll(all_there, target.wait_s) or session is None:
        raise Finding(f"{len(sent)} messages in the maildrop", f"fewer within {target.wait_s:g} s")
    return session


def _one_more(found: re.Match[bytes]) -> bytes:
    """Write another last digit."""
    return found[1] + (b"0" if found[2] == b"9" else b"%d" % (int(found[2]) + 1)) + found[3]
