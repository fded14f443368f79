"""Ways for a relay to be wrong towards the DNS and the next hops."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry(
        "relay-mx-order-reversed",
        "the MX host with the highest preference value is tried first",
        "RFC 5321 §5.1",
    ),
    FaultEntry("relay-null-mx-ignored", "a null MX is taken for a host named by the root", "RFC 7505 §3"),
    FaultEntry("relay-address-beside-mx", "A records are tried although MX records exist", "RFC 5321 §5.1"),
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
    FaultEntry("relay-equal-mx-in-order", "of equal MX records the first is always taken", "RFC 5321 §5.1"),
    FaultEntry("relay-first-host-only", "only the first host of a domain is ever tried", "RFC 5321 §5.1"),
    FaultEntry("relay-no-implicit-mx", "a domain without MX records is unroutable", "RFC 5321 §5.1"),
    FaultEntry("relay-cname-ignored", "a domain that is an alias is unroutable", "RFC 5321 §5.1"),
    FaultEntry(
        "relay-servfail-is-final", "a temporary failure of the DNS is taken as final", "RFC 5321 §5.1"
    ),
    FaultEntry("relay-no-helo", "a next hop that knows no EHLO is given up", "RFC 5321 §3.2"),
    FaultEntry("relay-lines-broken", "lines of more than 500 octets leave in pieces", "RFC 5321 §6.4"),
    FaultEntry("relay-8bit-to-any-hop", "8-bit text goes to hops that do not offer 8BITMIME", "RFC 6152 §3"),
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
    FaultEntry(
        "relay-dsn-not-passed-on",
        "NOTIFY, ORCPT, RET and ENVID do not go on to a next hop that has DSN",
        "RFC 3461 §5.2.1",
        (
            "rfc3461/5.2.1/notify-relayed",
            "rfc3461/5.2.1/envid-relayed",
            "rfc3461/5.2.1/orcpt-relayed",
            "rfc3461/5.2.1/ret-relayed",
        ),
    ),
    FaultEntry(
        "relay-dsn-to-any-hop",
        "NOTIFY, ORCPT, RET and ENVID go to next hops without DSN",
        "RFC 3461 §5.2.2",
        ("rfc3461/5.2.2/no-parameters",),
    ),
    FaultEntry(
        "relay-452-not-split",
        "recipients whom a next hop has no room for wait for the next attempt, not the next transaction",
        "RFC 5321 §4.5.3.1.10",
    ),
    FaultEntry(
        "relay-utf8-to-any-hop", "internationalised mail goes to hops without SMTPUTF8", "RFC 6531 §3.2"
    ),
    FaultEntry(
        "relay-binary-to-any-hop",
        "binary text goes by DATA to hops that do not offer BINARYMIME",
        "RFC 3030 §3",
        ("rfc3030/3/none-for-other-hosts",),
    ),
    FaultEntry("relay-open", "mail for other domains is accepted from anybody", "RFC 2505 §2.1"),
)
