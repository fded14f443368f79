import re

from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify, verify_equal
from harness.strategies import addresses, messages
from harness.targets import StoredMessage, Target
from harness.transport.tamper import Fault, Rewrite
from harness.wire.message import find_fields
from suites.rfc2033.steps import RETRIEVED, deliver

_WITH = re.compile(rb"(?is)\sby\s.*?\swith\s+([A-Z0-9]+)")


def return_paths(stored: StoredMessage) -> list[bytes]:
    """Return the values of all Return-Path fields, from the top."""
    return [field.value for field in find_fields(stored.fields, "Return-Path")]


@requirement(
    "rfc2033/4/return-path",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Fault("mda-return-path-missing"),
    also={"rfc5321/4.4/return-path"},
)
@given(sender=st.just("") | addresses.simple_mailboxes())
def test_the_return_path_comes_on_top(target: Target, sender: str) -> None:
    """Delivery puts one Return-Path, with the reverse-path, above every Received."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        deliver(peer, [mailbox.address], messages.compose(), sender=sender)
        stored = mailbox.only_message()
        verify_equal("Return-Path", expected=[b"<%b>" % sender.encode()], actual=return_paths(stored))
        names = [field.name.lower() for field in stored.fields]
        trace = [name for name in names if name in {b"return-path", b"received"}]
        verify(trace[0] == b"return-path", expected="Return-Path before any Received", actual=stored.header)


@requirement(
    "rfc2033/4/return-path-of-each",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_client(rb"^MAIL FROM:<[a-z][^>]*>", b"MAIL FROM:<first@client.mailproof.test>"),
)
@given(senders=st.lists(st.just("") | addresses.simple_mailboxes(), min_size=2, max_size=4))
def test_each_message_has_its_own_return_path(target: Target, senders: list[str]) -> None:
    """In one session, the Return-Path of each message is the reverse-path of its own transaction."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        expected = {}
        for sender in senders:
            message = messages.compose()
            deliver(peer, [mailbox.address], message, sender=sender)
            expected[message] = [b"<%b>" % sender.encode()]
        arrived = {one.without_trace: return_paths(one) for one in mailbox.messages(len(senders))}
        verify_equal("the Return-Path of each message", expected=expected, actual=arrived)


@requirement(
    "rfc3848/1/lmtp",
    level=PROSE,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_server(rb"\bwith LMTP\b", b"with ESMTP"),
)
@given(sender=st.just("") | addresses.simple_mailboxes())
def test_received_says_lmtp(target: Target, sender: str) -> None:
    """The with clause of the Received field that is added, if there is one, says LMTP."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        deliver(peer, [mailbox.address], messages.compose(), sender=sender)
        values = [field.value for field in find_fields(mailbox.only_message().fields, "Received")]
        found = _WITH.search(values[-1]) if values else None
        verify(
            found is None or found[1].upper() == b"LMTP",
            expected="with LMTP in the Received field",
            actual=values,
        )
