"""STORE and UID STORE (RFC 3501 §6.4.6, §6.4.8)."""

from collections.abc import Sequence

from reference_server.codec.imap.lexer import CommandReader, Garbled
from reference_server.codec.imap.sequence_set import read_sequence_set
from reference_server.session.base import Commit
from reference_server.session.imap import fetching
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.fetching import FLAGS_ONLY, UID_AND_FLAGS
from reference_server.session.imap.flags import is_known, settable
from reference_server.session.imap.refusals import answer_to
from reference_server.session.imap.selected import Selected
from reference_server.session.imap.session import ImapSession
from reference_server.store.changes import Refusal, StoreFlags, StoreMode
from reference_server.store.flags import flag_bits

_ACTIONS = {
    b"FLAGS": (StoreMode.REPLACE, False),
    b"FLAGS.SILENT": (StoreMode.REPLACE, True),
    b"+FLAGS": (StoreMode.ADD, False),
    b"+FLAGS.SILENT": (StoreMode.ADD, True),
    b"-FLAGS": (StoreMode.REMOVE, False),
    b"-FLAGS.SILENT": (StoreMode.REMOVE, True),
}


@command("STORE", State.SELECTED, uid_form=True, holds_expunges=True)
async def store(session: ImapSession, call: Call) -> Answer:
    """Change flags; unless `.SILENT`, tell what they are now."""
    reader = call.reader
    reader.sp()
    sequence_set = read_sequence_set(reader)
    reader.sp()
    action = _ACTIONS.get(reader.keyword())
    if action is None:
        raise Garbled(b"Unknown action of STORE")
    mode, silent = action
    reader.sp()
    flags = _read_flags(reader)
    reader.end()
    selected = session.chosen
    numbers = selected.numbers(sequence_set, by_uid=call.by_uid)
    if selected.read_only:
        return no(b"The mailbox is selected read-only")
    if not numbers:
        return b"OK STORE completed"
    view = selected.view
    if _changes_something(selected, numbers, mode, flags):
        result = await Commit(
            StoreFlags(selected.mailbox_id, selected.uids_of(numbers), mode, flags, by=view)
        )
        if isinstance(result, Refusal):
            return answer_to(result)
        selected.announce_keywords(session.outbox)
    gone = view.holds_expunged and [number for number in numbers if view.is_expunged(number)]
    if gone:
        missing = set(gone)
        numbers = [number for number in numbers if number not in missing]
    if not silent and numbers:
        await fetching.answer(session, numbers, UID_AND_FLAGS if call.by_uid else FLAGS_ONLY)
    if gone:
        # what is left was done; the client learns of the EXPUNGE when it may be sent (RFC 2180 §4.2.1)
        return no(b"Some of the messages no longer exist", b"EXPUNGEISSUED")
    return b"OK STORE completed"


def _read_flags(reader: CommandReader) -> tuple[str, ...]:
    """Read `flag-list / (flag *(SP flag))`."""
    if reader.follows(b"("):
        return settable(reader.flag_list())
    flags = [reader.flag()]
    while reader.skip(b" "):
        flags.append(reader.flag())
    return settable(flags)


def _changes_something(
    selected: Selected, numbers: Sequence[int], mode: StoreMode, flags: tuple[str, ...]
) -> bool:
    """Whether a flag of any message would change; a client that repeats itself costs no write."""
    if len(numbers) > 1:
        return True
    keywords = selected.view.mailbox.keywords
    if mode is not StoreMode.REMOVE and not all(is_known(flag, keywords) for flag in flags):
        return True
    mask = flag_bits(flags, keywords)
    present = selected.view.message(numbers[0]).flags
    if mode is StoreMode.REPLACE:
        return present != mask
    return bool(mask & ~present) if mode is StoreMode.ADD else bool(present & mask)
