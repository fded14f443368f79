"""Ways for delivery status notifications to be wrong, missing, or sent to those who want none."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry(
        "dsn-never-ignored",
        "failures are told although NOTIFY does not ask for it",
        "RFC 3461 §5.2.6",
        ("rfc3461/5.2.6/no-dsn-without-failure", "rfc3461/5.2.2/never"),
    ),
    FaultEntry(
        "dsn-success-untold",
        "nobody is told of success, whatever NOTIFY says",
        "RFC 3461 §5.2.2",
        (
            "rfc3461/5.2.2/relayed-dsn",
            "rfc3461/5.2.3/delivered-dsn",
            "rfc3461/5.2.7.3/expanded-dsn",
        ),
    ),
    FaultEntry(
        "dsn-success-unasked",
        "success at a next hop is told where NOTIFY was not given",
        "RFC 3461 §5.2.2",
        ("rfc3461/5.2.2/no-dsn-of-success",),
    ),
    FaultEntry(
        "dsn-delay-unwanted",
        "delays are told although NOTIFY has no DELAY",
        "RFC 3461 §5.2.5",
        ("rfc3461/5.2.5/no-delayed-without-delay",),
    ),
    FaultEntry(
        "dsn-envid-dropped",
        "a notification has no Original-Envelope-Id",
        "RFC 3461 §6.3",
        ("rfc3461/6.3/envelope-id",),
    ),
    FaultEntry(
        "dsn-orcpt-dropped",
        "a notification has no Original-Recipient",
        "RFC 3461 §6.3",
        ("rfc3461/6.3/original-recipient",),
    ),
    FaultEntry("dsn-action-wrong", "every Action is delayed, also of what has failed", "RFC 3464 §2.3.3"),
    FaultEntry(
        "dsn-ret-ignored",
        "RET=HDRS brings the text back, RET=FULL does not",
        "RFC 3461 §4.3",
        ("rfc3461/4.3/hdrs",),
    ),
)
