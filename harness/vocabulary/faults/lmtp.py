"""Ways for an LMTP server to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry, Seat

_PROXY = frozenset({Seat.PROXY})
_BOTH = frozenset({Seat.SERVER, Seat.PROXY})

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry(
        "lmtp-single-reply",
        "one reply to the final dot for all recipients",
        "RFC 2033 §4.2",
        ("rfc2033/4.2/reply-for-each-recipient",),
        _BOTH,
    ),
    FaultEntry(
        "lmtp-replies-in-other-order",
        "the replies after the text are in the reverse order of the recipients",
        "RFC 2033 §4.2",
        ("rfc2033/4.2/order-of-replies",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-reply-for-refused",
        "a recipient that was refused has a reply after the text as well",
        "RFC 2033 §4.2",
        ("rfc2033/4.2/none-for-refused",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-same-path-one-reply",
        "a recipient that was named twice has one reply",
        "RFC 2033 §4.2",
        ("rfc2033/4.2/same-path-again",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-data-no-rcpt-354",
        "DATA without a recipient is answered 354, and then the text once",
        "RFC 2033 §4.2",
        ("rfc2033/4.2/data-without-recipient",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-ehlo-accepted",
        "HELO and EHLO mean what LHLO means",
        "RFC 2033 §4.1",
        ("rfc2033/4.1/no-helo-nor-ehlo",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-pipelining-missing",
        "PIPELINING is not announced",
        "RFC 2033 §5",
        ("rfc2033/5/pipelining",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-enhanced-missing",
        "ENHANCEDSTATUSCODES is not announced",
        "RFC 2033 §5",
        ("rfc2033/5/enhanced-status-codes",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-8bitmime-missing",
        "8BITMIME is not announced",
        "RFC 2033 §5",
        ("rfc2033/5/8bitmime",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-quit-stays-open",
        "QUIT is answered 221, and the connection stays open",
        "RFC 2033 §4",
        ("rfc2033/4/quit",),
        _PROXY,
    ),
    FaultEntry(
        "lmtp-one-refusal-for-all",
        "where one recipient was refused, the text is refused for all",
        "RFC 2033 §4.2",
        ("rfc2033/4/unknown-recipient",),
        _PROXY,
    ),
)
