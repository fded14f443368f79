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
        FaultEntry("smtp-verb-case", "verbs in lower case are not recognised", "RFC 5321 §2.4"),
        FaultEntry("smtp-multiline-codes", "the lines of an EHLO reply differ in code", "RFC 5321 §4.2.1"),
        FaultEntry("smtp-noop-arg", "NOOP with an argument is refused", "RFC 5321 §4.1.1.9"),
        FaultEntry("smtp-vrfy-claims", "VRFY says 250 for anybody", "RFC 5321 §3.5.3"),
        FaultEntry("smtp-rset-ignored", "RSET says 250 and keeps the transaction", "RFC 5321 §4.1.1.5"),
        FaultEntry("smtp-null-sender-rejected", "MAIL FROM:<> is refused", "RFC 5321 §4.5.5"),
        FaultEntry("smtp-rcpt-limit-50", "the 51st recipient is refused", "RFC 5321 §4.5.3.1.8"),
        FaultEntry("smtp-data-no-rcpt", "DATA without a recipient ends in 250", "RFC 5321 §3.3"),
        FaultEntry("smtp-lf-dot-lf", "a dot between bare LFs ends the data", "RFC 5321 §2.3.8"),
        FaultEntry("smtp-dot-kept", "the dot that transparency added is kept", "RFC 5321 §4.5.2"),
        FaultEntry("smtp-8bit-stripped", "8BITMIME is offered and the eighth bit cleared", "RFC 6152 §3"),
        FaultEntry("smtp-starttls-injection", "what came in clear behind STARTTLS is kept", "RFC 3207 §6"),
        FaultEntry("smtp-starttls-state-kept", "what was said in clear holds under TLS", "RFC 3207 §4.2"),
        FaultEntry("lmtp-single-reply", "one reply to the final dot for all recipients", "RFC 2033 §4.2"),
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
        FaultEntry(
            "relay-equal-mx-in-order", "of equal MX records the first is always taken", "RFC 5321 §5.1"
        ),
        FaultEntry("relay-first-host-only", "only the first host of a domain is ever tried", "RFC 5321 §5.1"),
        FaultEntry("relay-no-implicit-mx", "a domain without MX records is unroutable", "RFC 5321 §5.1"),
        FaultEntry("relay-cname-ignored", "a domain that is an alias is unroutable", "RFC 5321 §5.1"),
        FaultEntry(
            "relay-servfail-is-final", "a temporary failure of the DNS is taken as final", "RFC 5321 §5.1"
        ),
        FaultEntry("relay-no-helo", "a next hop that knows no EHLO is given up", "RFC 5321 §3.2"),
        FaultEntry("relay-lines-broken", "lines of more than 500 octets leave in pieces", "RFC 5321 §6.4"),
        FaultEntry(
            "relay-8bit-to-any-hop", "8-bit text goes to hops that do not offer 8BITMIME", "RFC 6152 §3"
        ),
        FaultEntry(
            "relay-recipients-apart",
            "each recipient of a domain gets a transaction of their own",
            "RFC 5321 §4.5.4.1",
        ),
        FaultEntry(
            "relay-partial-refusal-fails-all",
            "one refused recipient fails all recipients of the transaction",
            "RFC 5321 §4.4",
        ),
        FaultEntry(
            "relay-lost-reply-is-final",
            "a connection lost after the final dot is taken as a refusal for good",
            "RFC 5321 §4.5.4.1",
        ),
        FaultEntry("relay-return-path-sent", "mail leaves with a Return-Path field", "RFC 5321 §4.4"),
        FaultEntry(
            "relay-local-part-lowered",
            "the local part of recipients elsewhere is lowered",
            "RFC 5321 §2.3.11",
        ),
        FaultEntry("relay-bounce-with-sender", "notifications have a reverse-path", "RFC 5321 §6.1"),
        FaultEntry(
            "relay-bounce-to-header-from",
            "without a reverse-path the notification goes to the From field's address",
            "RFC 5321 §6.1",
        ),
        FaultEntry("relay-open", "mail for other domains is accepted from anybody", "RFC 2505 §2.1"),
        FaultEntry("mda-return-path-missing", "final delivery adds no Return-Path", "RFC 5321 §4.4"),
        FaultEntry(
            "mda-return-path-kept", "a Return-Path that came along stays beside ours", "RFC 5321 §4.4"
        ),
        FaultEntry("mda-duplicates-kept", "who is named twice gets the message twice", "RFC 5321 §4.1.1.3"),
        FaultEntry("mta-received-missing", "no Received field is added", "RFC 5321 §4.4"),
        FaultEntry("mta-for-lists-all", "the for clause of Received names every recipient", "RFC 5321 §7.2"),
    )
}
"""By name, in the order of the mail's way."""
