from collections.abc import Sequence
from contextlib import ExitStack

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    SHOULD_NOT,
    Need,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
)
from harness.strategies import addresses, messages
from harness.targets import Mailbox, StoredMessage, Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import added_fields, find_fields
from suites.journeys.stamp import for_clause, is_one_path, read_stamp

_SENDER = "stranger@client.mailproof.test"


def _received(sent: bytes, stored: StoredMessage) -> list[bytes]:
    """Return the values of the Received fields that were added, from the top."""
    return [field.value for field in find_fields(added_fields(sent, stored.octets), "Received")]


def _send_to_all(target: Target, count: int) -> tuple[bytes, list[tuple[Mailbox, StoredMessage]], ExitStack]:
    """Send one message to several mailboxes, of which its header names the first; what each has got."""
    if target.file.accounts.create is None:
        count = min(count, max(1, len(target.accounts)))
    with ExitStack() as stack:
        mailboxes = [stack.enter_context(target.fresh_mailbox()) for _ in range(count)]
        message = messages.compose(to=mailboxes[0].address)
        target.deliver(mailboxes, message, sender=_SENDER, by=Service.SMTP)
        copies = [(mailbox, mailbox.only_message()) for mailbox in mailboxes]
        return message, copies, stack.pop_all()


@requirement(
    "rfc5321/4.4/received-clauses",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"\bwith (E?SMTPS?A?) id (\w+)", rb"id \2 with \1"),
)
@given(name=addresses.domains() | addresses.address_literals(), extended=st.booleans())
def test_received_fields_follow_their_grammar(target: Target, name: str, extended: bool) -> None:
    """Each Received field that was added has its clauses in their form and order, then a date."""
    message = messages.compose()
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        if not (peer.ehlo(name) if extended else peer.helo(name)).is_positive:
            unsupported(f"a client named {name} is not greeted")
        reply = peer.submit(sender=_SENDER, to=mailbox.address, message=message)
        verify(reply.is_positive, expected="an ordinary message is accepted", actual=reply.octets)
        for value in _received(message, mailbox.only_message()):
            read_stamp(value)


@requirement(
    "rfc5321/4.4/for-one-path",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("mta-for-lists-all"),
)
@given(count=st.integers(1, 3))
def test_a_for_clause_has_one_path(target: Target, count: int) -> None:
    """Where a Received field says for whom, it names exactly one path, however many recipients there were."""
    message, copies, stack = _send_to_all(target, count)
    with stack:
        clauses = [for_clause(value) for _, stored in copies for value in _received(message, stored)]
        for clause in clauses:
            verify(clause is None or is_one_path(clause), expected="for <path>", actual=clause)


@requirement(
    "rfc5321/7.2/recipients-undisclosed",
    level=SHOULD_NOT,
    needs={Service.SMTP, Need.RETRIEVE, Need.TWO_ACCOUNTS},
    refuted_by=Fault("mta-for-lists-all"),
)
@given(count=st.integers(2, 3))
def test_other_recipients_are_not_disclosed(target: Target, count: int) -> None:
    """No field that is added to a recipient's copy names another one, of whom the header says nothing."""
    message, copies, stack = _send_to_all(target, count)
    with stack:
        hidden = [mailbox.address for mailbox, _ in copies[1:]]
        for mailbox, stored in copies:
            added = b"".join(field.octets for field in added_fields(message, stored.octets)).lower()
            shown = [one for one in hidden if one != mailbox.address and one.lower().encode() in added]
            verify(
                not shown,
                expected=f"nothing of {', '.join(hidden)} in the copy of {mailbox.address}",
                actual=added,
            )


@requirement(
    "rfc5321/4.4/one-return-path",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("mda-return-path-kept"),
)
@given(old=addresses.simple_mailboxes(), at_top=st.booleans())
def test_a_delivered_message_has_one_return_path(target: Target, old: str, at_top: bool) -> None:
    """A message that comes with a Return-Path is stored with one, that of its own journey."""
    field = b"Return-Path: <%b>\r\n" % old.encode()
    message = field + messages.compose() if at_top else messages.compose(extra=field)
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message, sender=_SENDER, by=Service.SMTP)
        paths = [found.value for found in find_fields(mailbox.only_message().fields, "Return-Path")]
        verify_equal("Return-Path", expected=[b"<%b>" % _SENDER.encode()], actual=paths)


@requirement(
    "rfc5321/4.4/return-path-on-top",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(
        rb"^(Return-Path:[^\r\n]*\r\n)(Received:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)", rb"\2\1"
    ),
)
@given(sender=st.just("") | addresses.simple_mailboxes())
def test_the_return_path_is_above_the_received_fields(target: Target, sender: str) -> None:
    """A delivered message begins with the Return-Path; the Received fields of its way come after it."""
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, messages.compose(), sender=sender, by=Service.SMTP)
        names = [field.name.lower() for field in mailbox.only_message().fields]
        trace = [name for name in names if name in {b"return-path", b"received"}]
        if b"return-path" not in trace:
            unsupported("stored messages have no Return-Path, which is a check of its own")
        verify(trace[0] == b"return-path", expected="Return-Path before any Received", actual=_shown(names))


def _shown(names: Sequence[bytes]) -> str:
    return ", ".join(name.decode(errors="replace") for name in names)
