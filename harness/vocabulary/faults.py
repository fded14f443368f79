"""The one registry of named faults: for the reference server's seeded defects, refutations and reports.

Adding a fault touches this list and the one place in the reference server that misbehaves under its name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """A named way for a mail server to be wrong."""

    name: str
    """`protocol-slug`, as in `smtp-dot-kept`."""
    summary: str
    """What goes wrong, in one clause."""
    source: str
    """The section it breaks, as `RFC 5321 §4.5.2`."""


FAULTS: dict[str, FaultEntry] = {
    entry.name: entry
    for entry in (
        FaultEntry(
            "relay-mx-order-reversed",
            "the MX host with the highest preference value is tried first",
            "RFC 5321 §5.1",
        ),
        FaultEntry("relay-null-mx-ignored", "a null MX is taken for a host named by the root", "RFC 7505 §3"),
        FaultEntry(
            "relay-address-beside-mx", "A records are tried although MX records exist", "RFC 5321 §5.1"
        ),
        FaultEntry(
            "relay-dots-unstuffed",
            "lines that start with a dot leave without the second dot",
            "RFC 5321 §4.5.2",
        ),
        FaultEntry(
            "relay-no-retry-after-4yz",
            "a transient refusal by the next hop is taken as final",
            "RFC 5321 §4.5.4.1",
        ),
        FaultEntry("relay-no-bounce", "nobody is told when the next hop refuses for good", "RFC 5321 §6.1"),
        FaultEntry("relay-open", "mail for other domains is accepted from anybody", "RFC 2505 §2.1"),
        FaultEntry("mda-return-path-missing", "final delivery adds no Return-Path", "RFC 5321 §4.4"),
        FaultEntry("mta-received-missing", "no Received field is added", "RFC 5321 §4.4"),
    )
}
"""By name, in the order of the mail's way."""
