from collections.abc import Sequence

from hypothesis import strategies as st

from harness.conformance import MUST, Need, given, requirement, verify_reply
from harness.targets import Target
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, finish, note
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/4.1.2/quoted-forms-equal",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb'RCPT TO:<"', reply=b"550 5.1.1 no such user\r\n"),
)
@given(pairs=st.lists(st.booleans(), min_size=1, max_size=4))
def test_quoted_local_parts_are_the_same_mailbox(target: Target, pairs: Sequence[bool]) -> None:
    """A local part means the same in quotes, with any of its characters as quoted pairs."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        local_part, _, domain = mailbox.address.rpartition("@")
        characters = enumerate(local_part.strip('"'))
        quoted = "".join(f"\\{one}" if pairs[at % len(pairs)] else one for at, one in characters)
        begin(peer)
        verify_reply(
            peer.rcpt(f'"{quoted}"@{domain}'), code={250, 251}, why="all quoted forms are equivalent"
        )
        finish(peer, note())
        mailbox.only_message()
