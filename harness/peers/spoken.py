"""Which protocol is spoken on which service."""

from harness.transport.interpose import Spoken
from harness.vocabulary.services import Service

SPOKEN: dict[Service, Spoken] = {
    Service.SMTP: Spoken.SMTP,
    Service.SUBMISSION: Spoken.SMTP,
    Service.SUBMISSIONS: Spoken.SMTP,
    Service.LMTP: Spoken.LMTP,
    Service.POP3: Spoken.POP3,
    Service.POP3S: Spoken.POP3,
    Service.IMAP: Spoken.IMAP,
    Service.IMAPS: Spoken.IMAP,
}
