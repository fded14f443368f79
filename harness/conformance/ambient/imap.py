"""Rules for what an IMAP server says of the selected mailbox in the course of a session (RFC 9051 §5.2)."""

from collections.abc import Callable, Iterator
from itertools import takewhile

from harness.conformance.ambient.imap_session import Completed, Selected, Sent, Told, steps
from harness.conformance.ambient.rule import Breach, Conversation, Rule
from harness.conformance.verify import show
from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.services import Service
from harness.wire.imap import Data, FetchData

_SERVICES = frozenset({Service.IMAP, Service.IMAPS})
_NUMBERED = frozenset({b"FETCH", b"STORE", b"SEARCH"})
"""Commands with message numbers, during which the numbers stay (those with UID are others)."""
_MOST_FOLLOWED = 2_000
"""Of so many messages the UIDs are followed; in larger mailboxes it would take too long."""


def _exists(conversation: Conversation) -> Iterator[Breach]:
    known: int | None = None
    for step in steps(conversation):
        match step:
            case Selected(exists):
                known = exists
            case Told(Data(name=b"EXPUNGE")):
                known = None if known is None else known - 1
            case Told(Data(name=b"EXISTS", number=int(count), octets=octets)):
                if known is not None and count < known:
                    yield Breach(f"EXISTS of at least {known}, as nothing was expunged since", show(octets))
                known = count if known is not None else None
            case _:
                pass


def _expunges(conversation: Conversation) -> Iterator[Breach]:
    underway: dict[bytes, bytes] = {}
    for step in steps(conversation):
        match step:
            case Sent(tag, verb):
                underway[tag] = verb
            case Completed(tag):
                underway.pop(tag, None)
            case Told(Data(name=b"EXPUNGE", octets=octets)):
                verbs = set(underway.values())
                if len(underway) == 1 and verbs <= _NUMBERED:
                    command = verbs.pop().decode()
                    yield Breach(f"no EXPUNGE response while {command} is answered", show(octets))
            case _:
                pass


def _uids(judge: Callable[[dict[int, int], int, int], str]) -> Callable[[Conversation], Iterator[Breach]]:
    """Make a rule of a function that says what is expected of another message number and UID, if not this."""

    def breaches(conversation: Conversation) -> Iterator[Breach]:
        known: dict[int, int] = {}
        for step in steps(conversation):
            match step:
                case Selected():
                    known.clear()
                case Told(Data(name=b"EXPUNGE", number=int(gone))):
                    known = {number - (number > gone): uid for number, uid in known.items() if number != gone}
                case Told(Data(name=b"FETCH", number=int(number)) as data):
                    uid = _uid(data)
                    if uid is None:
                        continue
                    expected = judge(known, number, uid)
                    if expected:
                        yield Breach(expected, f"message {number} with UID {uid}")
                    if len(known) < _MOST_FOLLOWED:
                        known[number] = uid
                case _:
                    pass

    return breaches


def _uid(data: Data) -> int | None:
    """Return the UID that FETCH data tell; what is not in its grammar is for others to judge."""
    if b"UID" not in data.octets.upper():
        return None
    try:
        value = data.value
    except RemoteProtocolError:
        return None
    return value.uid if isinstance(value, FetchData) else None


def _ascending(known: dict[int, int], number: int, uid: int) -> str:
    before = max(takewhile(lambda other: other < number, sorted(known)), default=None)
    after = min((other for other in known if other > number), default=None)
    if before is not None and known[before] >= uid:
        return f"a UID above {known[before]}, which message {before} has"
    if after is not None and known[after] <= uid:
        return f"a UID below {known[after]}, which message {after} has"
    return ""


def _steady(known: dict[int, int], number: int, uid: int) -> str:
    if known.get(number, uid) != uid:
        return f"message {number} with UID {known[number]}, as before: nothing was expunged since"
    return ""


EXISTS_NEVER_SHRINKS = Rule(
    "rfc9051/5.2/exists-never-reduces",
    ("rfc3501/5.2/exists-never-reduces",),
    "In all sessions EXISTS never tells fewer messages without EXPUNGE",
    "imap",
    _SERVICES,
    _exists,
)
NO_EXPUNGE_DURING = Rule(
    "rfc9051/7.5.1/not-during-fetch-store-search",
    ("rfc3501/7.4.1/not-during-fetch-store-search",),
    "In all sessions no EXPUNGE comes while FETCH, STORE or SEARCH is answered",
    "imap",
    _SERVICES,
    _expunges,
)
ASCENDING_UIDS = Rule(
    "rfc9051/2.3.1.1/uids-ascend",
    ("rfc3501/2.3.1.1/uids-ascend",),
    "In all sessions UIDs ascend with the message numbers",
    "imap",
    _SERVICES,
    _uids(_ascending),
)
STEADY_UIDS = Rule(
    "rfc9051/2.3.1.1/uids-stay-in-session",
    ("rfc3501/2.3.1.1/uids-stay-in-session",),
    "In all sessions a message keeps its UID, and its number until something is expunged",
    "imap",
    _SERVICES,
    _uids(_steady),
)
