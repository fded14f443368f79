"""Ways for an SMTP server to be wrong towards its clients."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = (
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
)
