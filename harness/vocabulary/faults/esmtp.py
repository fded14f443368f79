"""Ways for the extensions of SMTP to be wrong: chunks, UTF-8, notifications asked for, limits told."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
    FaultEntry(
        "smtp-bdat-unstuffed",
        "a dot at the start of a line is deleted from chunks",
        "RFC 3030 §2",
        ("rfc3030/2/octets-counted",),
    ),
    FaultEntry(
        "smtp-bdat-refused-chunk-read",
        "the octets of a refused chunk are read as commands",
        "RFC 3030 §2",
        ("rfc3030/2/failed-chunk-swallowed", "rfc3030/2/pipelined-chunks-swallowed"),
    ),
    FaultEntry(
        "smtp-data-after-bdat-354",
        "DATA is accepted within a transaction that began with chunks",
        "RFC 3030 §2",
        ("rfc3030/2/data-after-bdat",),
    ),
    FaultEntry(
        "smtp-binary-by-data",
        "DATA is accepted after BODY=BINARYMIME",
        "RFC 3030 §3",
        ("rfc3030/3/no-data-for-binary",),
    ),
    FaultEntry(
        "smtp-binary-line-ends",
        "a binary message with a CR or LF alone in it is refused",
        "RFC 3030 §3",
        ("rfc3030/3/octets-preserved",),
    ),
    FaultEntry(
        "lmtp-bdat-reply-without-recipient",
        "BDAT with LAST has a reply although no recipient was accepted",
        "RFC 2033 §4.3",
        ("rfc2033/4.3/last-without-recipient",),
    ),
    FaultEntry(
        "smtp-dsn-unchecked",
        "malformed RET, ENVID, NOTIFY and ORCPT are accepted",
        "RFC 3461 §5.1",
        ("rfc3461/5.1/invalid-in-rcpt", "rfc3461/5.1/invalid-in-mail"),
    ),
    FaultEntry(
        "smtp-notify-case",
        "the words of NOTIFY are known in capitals only",
        "RFC 3461 §4.1",
        ("rfc3461/4.1/keywords-in-any-case",),
    ),
    FaultEntry(
        "smtp-rcpt-line-512",
        "RCPT may be no longer than other commands",
        "RFC 3461 §5.4",
        ("rfc3461/5.4/command-of-1036-characters", "rfc3461/5.4/all-parameters-together"),
    ),
    FaultEntry(
        "smtp-utf8-sender-code",
        "a sender outside ASCII without SMTPUTF8 is answered 553",
        "RFC 6531 §3.5",
        ("rfc6531/3.5/sender-needs-ascii",),
    ),
    FaultEntry(
        "smtp-utf8-recipient-code",
        "a recipient outside ASCII without SMTPUTF8 is answered 550",
        "RFC 6531 §3.5",
        ("rfc6531/3.5/recipient-needs-ascii",),
    ),
    FaultEntry(
        "smtp-utf8-in-vrfy",
        "VRFY and EXPN show mailboxes outside ASCII to everybody",
        "RFC 6531 §3.7.4.2",
        ("rfc6531/3.7.4.2/no-utf8-unasked", "rfc6531/3.7.4.2/252-or-550"),
    ),
    FaultEntry(
        "smtp-utf8-without-8bitmime",
        "SMTPUTF8 is offered, and 8BITMIME is not",
        "RFC 6531 §3.1",
        ("rfc6531/3.1/8bitmime-too", "rfc5321/2.4/8bitmime-offered"),
        gap="no check asks what has to be offered beside SMTPUTF8",
    ),
    FaultEntry(
        "smtp-rcptmax-too-high",
        "RCPTMAX promises twice as many recipients as are taken",
        "RFC 9422 §4.2",
        ("rfc9422/4.2/as-many-recipients",),
    ),
)
