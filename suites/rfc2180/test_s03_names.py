"""RFC 2180 §3: a mailbox is deleted or renamed while another session has it selected."""

from collections.abc import Callable

from harness.clients.imap_session import Result
from harness.conformance import MAY, observe, requirement, verify_ok
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import PeerClosed
from suites.imap.talk import IMAP
from suites.imap.tampering import answered


def fate(act: Callable[[], Result]) -> str:
    """What becomes of a session that does something: its answer, or its end."""
    try:
        return act().kind.value
    except PeerClosed:
        return "disconnected"


@requirement("rfc2180/3/deletion", level=MAY, needs=IMAP, refuted_by=answered(b"DELETE", b"NO", of=b"OK"))
def test_deletion_of_a_mailbox_that_another_session_has(target: Target) -> None:
    """Whether DELETE succeeds, and what the other session can do with the mailbox then."""
    with target.imap_mailbox() as box:
        box.append(compose())
        owner = box.other_session()
        observe("DELETE of a mailbox that another session has selected", owner.delete(box.name).kind.value)
        observe("then FETCH in that session", fate(lambda: box.client.fetch(1, b"BODY.PEEK[]")))
        observe("then NOOP in that session", fate(box.client.noop))
        observe("then CREATE of the same name by another", owner.create(box.name).kind.value)


@requirement(
    "rfc2180/3/renaming",
    level=MAY,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"^(A[0-9]+) FETCH 1 ", rb"\1 FETCH 9 "),
)
def test_renaming_of_a_mailbox_that_another_session_has(target: Target) -> None:
    """Whether RENAME succeeds, and whether the other session can go on with the mailbox."""
    with target.imap_mailbox() as box:
        box.append(compose())
        owner = box.other_session()
        verify_ok(owner.noop())
        observe(
            "RENAME of a mailbox that another session has selected",
            owner.rename(box.name, box.fresh_name()).kind.value,
        )
        observe("then FETCH in that session", fate(lambda: box.client.fetch(1, b"BODY.PEEK[]")))
        observe("then APPEND to the old name there", fate(lambda: box.client.append(box.name, compose())))
