"""Readers by POP3 who download everything and delete it from the server (RFC 1939 §8 describes them)."""

from locust import task
from locust.exception import StopUser

from harness.targets.file import Account
from harness.vocabulary.services import Service
from loadtests.ledger import Sighting
from loadtests.measuring import Step
from loadtests.messages import find_id
from loadtests.sessions import Pop3Session, SmtpSession
from loadtests.sweep import POP3
from loadtests.users.base import MailUser


class Pop3CollectorUser(MailUser):
    """Gets some mail, then fetches and deletes it in one session; each user has an account of its own.

    A maildrop is locked by the session that has it open (RFC 1939 §4), so accounts are not shared. Only
    messages of this run are deleted; what else lies in the maildrop is fetched once, to see that it is not
    of the run, and left.
    """

    kind = "pop3-collector"
    leased: Account | None = None

    def begin(self) -> None:
        """Take an account, and fill its maildrop."""
        dialer = self.load.dialer
        if self.leased is None and (account := self.load.lease()) is not None:
            self.leased = account
            self.load.watch_maildrop(account)
        if self.leased is None:
            self.load.troubles.append("a user had no account of its own: name more in the target file")
            raise StopUser
        self.account: Account = self.leased
        self.passed_over: set[bytes] = set()
        self.pop3 = Pop3Session(dialer, dialer.endpoint(*POP3))
        self.smtp = SmtpSession(dialer, dialer.endpoint(Service.LMTP, Service.SMTP))
        self._fill()

    def _fill(self) -> None:
        """Hand in the messages of one round, and keep the connection no longer than that."""
        self.connect_smtp(self.smtp)
        for _ in range(int(self.load.profile.knob("messages"))):
            self.deliver(self.smtp, self.account, self.load.compose(self.account))
        with self.measured(self.smtp.protocol, "QUIT", self.smtp) as step:
            self.smtp.quit(step)

    @task
    def collect(self) -> None:
        """One session: log in, ask what is there, fetch and delete it, leave; then new mail comes."""
        session = self.pop3
        if session.is_open:  # a refusal has left the last session open
            session.end()
        with self.measured("POP3", "connect", session) as step:
            session.connect(step)
        with self.measured("POP3", "login", session) as step:
            session.login(step, self.account)
        with self.measured("POP3", "STAT", session) as step:
            listing = session.client.stat()
        with self.measured("POP3", "UIDL", session) as step:
            unique_ids = session.client.uidl()
            if len(unique_ids) != listing.messages:
                step.wrong("UIDL and STAT disagree")
        for number, unique_id in unique_ids.items():
            if unique_id not in self.passed_over and self._fetch(number, unique_id):
                with self.measured("POP3", "DELE", session) as step:
                    step.response(session.client.dele(number))
        with self.measured("POP3", "QUIT", session) as step:
            session.quit(step)
        if not self.is_stopping:
            self._fill()

    def _fetch(self, number: int, unique_id: bytes) -> bool:
        """Fetch one message and compare it with what was sent; False if it is none of the run's."""
        ledger = self.load.ledger
        with self.measured("POP3", "RETR", self.pop3) as step:
            body = step.response(self.pop3.client.retr(number)).body
            message_id = find_id(body)
            place = f"{self.account.address} {unique_id.decode('ascii', 'replace')}"
            sighting = Sighting.FOREIGN if message_id is None else ledger.see(message_id, place, body)
            if message_id is not None:
                self._judge(step, message_id, sighting)
        if sighting is Sighting.FOREIGN:
            self.passed_over.add(unique_id)
        return sighting is not Sighting.FOREIGN

    def _judge(self, step: Step, message_id: str, sighting: Sighting) -> None:
        if self.load.ledger.is_damaged(message_id):
            step.wrong("other octets than were sent")
        if sighting is Sighting.DOUBLE:
            step.wrong("a second copy")

    def finish(self) -> None:
        """Close the connections and give the account back."""
        if self.leased is not None:
            self.pop3.end()
            self.smtp.end()
            self.load.give_back(self.leased)
            self.leased = None
