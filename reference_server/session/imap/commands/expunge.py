"""EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)."""

from reference_server.codec.imap.sequence_set import read_sequence_set
from reference_server.session.base import Commit
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Expunge, Refusal


@command("EXPUNGE", State.SELECTED, uid_form=True)
async def expunge(session: ImapSession, call: Call) -> Answer:
    r"""Remove the messages with `\Deleted`; UID EXPUNGE only those in the set.

    The EXPUNGE responses are part of the news that every command reports.
    """
    selected = session.chosen
    uids = None
    if call.by_uid:
        call.reader.sp()
        numbers = selected.numbers(read_sequence_set(call.reader), by_uid=True)
        uids = selected.uids_of(numbers)
    call.reader.end()
    if selected.read_only:
        return no(b"The mailbox is selected read-only")
    if uids is None or uids:
        result = await Commit(Expunge(selected.mailbox_id, uids))
        if isinstance(result, Refusal):
            return answer_to(result)
    return b"OK EXPUNGE completed"
