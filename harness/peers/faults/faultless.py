"""The readers of the fault proxy with no fault: what passes through them is what came."""

from harness.peers.faults.imap.mediator import ImapMediator
from harness.peers.faults.pop3.mediator import Pop3Mediator
from harness.peers.faults.smtp.mediator import SmtpMediator
from harness.transport.interpose import Interposer, Spoken


class Faultless:
    """Reads every protocol and changes nothing: the control of whatever a fault is seen to do."""

    def open(self, spoken: Spoken) -> Interposer:
        """Return a reader for a new connection."""
        match spoken:
            case Spoken.SMTP | Spoken.LMTP:
                return SmtpMediator(spoken)
            case Spoken.POP3:
                return Pop3Mediator(spoken)
            case Spoken.IMAP:
                return ImapMediator(spoken)
