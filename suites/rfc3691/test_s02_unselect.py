"""RFC 3691 §2: UNSELECT."""

from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify_equal, verify_ok, verify_refused
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.imap.talk import delete_marked, expunges, offers, uids_of

_COUNT = 4


@requirement(
    "rfc3691/2/unselect",
    level=PROSE,
    needs=offers("UNSELECT"),
    refuted_by=Rewrite.from_client(rb"UNSELECT", b"CLOSE"),
    also=["rfc9051/6.4.2/unselect"],
)
@given(chosen=st.sets(st.integers(1, _COUNT), min_size=1))
def test_unselect_removes_nothing(target: Target, chosen: set[int]) -> None:
    r"""UNSELECT returns to the authenticated state and removes no message, \Deleted or not."""
    with target.imap_mailbox() as box:
        for _ in range(_COUNT):
            box.append(compose())
        verify_ok(box.client.noop())
        uids = uids_of(box.client)
        delete_marked(box.client, chosen)
        result = box.client.unselect()
        verify_ok(result)
        verify_equal("EXPUNGE responses", expected=[], actual=expunges(result))
        verify_refused(box.client.fetch(1, b"FLAGS"), "no mailbox is selected")
        verify_equal("the UIDs", expected=uids, actual=uids_of(box.second()))
