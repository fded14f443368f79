"""Ways for a connection to be bad, whatever is spoken on it."""

from harness.vocabulary.faults.entry import FaultEntry, Seat


def _entry(name: str, summary: str, source: str) -> FaultEntry:
    return FaultEntry(f"transport-{name}", summary, source, seats=frozenset({Seat.PROXY}))


_TIMEOUTS = "RFC 5321 §4.5.3.2"
_SEGMENTS = "RFC 9293 §3.8"
_LOST = "RFC 1047 §2"
_CLOSING = "RFC 9293 §3.6"
_UNASKED_END = "RFC 5321 §3.8"

ENTRIES: tuple[FaultEntry, ...] = (
    _entry("delay", "each command reaches the server late", _TIMEOUTS),
    _entry("drip", "what the server says arrives in small pieces, with a pause between two", _SEGMENTS),
    _entry("split", "what the server says is cut into segments of one octet", _SEGMENTS),
    _entry("bandwidth", "the line carries only so many octets in a second, either way", _SEGMENTS),
    _entry("stall", "nothing comes for long before the reply to a command", _TIMEOUTS),
    _entry("greeting-missing", "the server accepts the connection and never greets", _TIMEOUTS),
    _entry("greeting-late", "the greeting comes late", _TIMEOUTS),
    _entry("greeting-refusal", "the greeting says that there is no service now", "RFC 5321 §3.1"),
    _entry("refuse-for-now", "a command is refused for the time being: 4yz, NO, -ERR", "RFC 5321 §4.2.1"),
    _entry("refuse-for-good", "a command is refused for good: 5yz, BAD, -ERR", "RFC 5321 §4.2.1"),
    _entry("reply-twice", "the reply to a command comes twice", "RFC 5321 §4.2"),
    _entry("reply-cut-short", "the connection ends in the middle of a reply", _UNASKED_END),
    _entry("reply-lost", "a command is carried out and the connection ends instead of a reply", _LOST),
    _entry("garbage", "random octets stand in front of a reply", "RFC 5321 §4.2"),
    _entry("drop", "a command is answered by the end of the connection, and not carried out", _UNASKED_END),
    _entry("drop-after", "the connection ends once the server has said so many octets", _UNASKED_END),
    _entry("reset", "a command is answered by a reset, and not carried out", _CLOSING),
    _entry("half-close", "the server ends its side behind a reply and goes on to read", _CLOSING),
)
