"""Ways for final delivery, and the trace that it leaves, to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry("mda-return-path-missing", "final delivery adds no Return-Path", "RFC 5321 §4.4"),
    FaultEntry("mda-return-path-kept", "a Return-Path that came along stays beside ours", "RFC 5321 §4.4"),
    FaultEntry("mda-duplicates-kept", "who is named twice gets the message twice", "RFC 5321 §4.1.1.3"),
    FaultEntry("mta-received-missing", "no Received field is added", "RFC 5321 §4.4"),
    FaultEntry("mta-for-lists-all", "the for clause of Received names every recipient", "RFC 5321 §7.2"),
)
