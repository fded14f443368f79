"""Ways for an LMTP server to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry("lmtp-single-reply", "one reply to the final dot for all recipients", "RFC 2033 §4.2"),
)
