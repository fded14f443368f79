"""What COPY and MOVE have in common (RFC 3501 §6.4.7, RFC 6851, RFC 4315 §3)."""

from typing import TYPE_CHECKING

from reference_server.codec.imap.sequence_set import encode_numbers, read_sequence_set
from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, no
from reference_server.session.imap.names import read_mailbox
from reference_server.session.imap.refusals import answer_to
from reference_server.store.changes import Copied, Copy, Refusal

if TYPE_CHECKING:
    from reference_server.session.imap.session import ImapSession


async def copy_messages(session: "ImapSession", call: Call, *, move: bool) -> Copied | Answer | None:
    """Read the arguments and copy; None if there was nothing to copy, an answer if it was refused."""
    reader = call.reader
    reader.sp()
    sequence_set = read_sequence_set(reader)
    reader.sp()
    name = read_mailbox(reader)
    reader.end()
    selected = session.chosen
    numbers = selected.numbers(sequence_set, by_uid=call.by_uid)
    if move and selected.read_only:
        return no(b"The mailbox is selected read-only")
    view = selected.view
    if view.holds_expunged and any(view.is_expunged(number) for number in numbers):
        # all or none (RFC 2180 §4.4.1)
        return no(b"Some of the messages no longer exist", b"EXPUNGEISSUED")
    if not numbers:
        return None
    account_id = session.owner.account_id
    result = await Commit(Copy(selected.mailbox_id, selected.uids_of(numbers), account_id, name, move=move))
    if isinstance(result, Refusal):
        return answer_to(result, destination=True)
    assert isinstance(result, Copied)
    return result if result.source_uids else None


def copy_uid(copied: Copied) -> bytes:
    """Return the response code that says which UIDs became which."""
    return b"COPYUID %d %s %s" % (
        copied.appended.uid_validity,
        encode_numbers(copied.source_uids),
        encode_numbers(copied.appended.uids),
    )
