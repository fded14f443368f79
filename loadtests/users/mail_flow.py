"""Mail that is sent and waited for: the time from handing in until the reader can see it."""

import gevent
from locust import task

from harness.clients.imap_session import Result
from harness.targets.file import Account
from harness.vocabulary.services import Service
from harness.wire.imap import Exists, FetchData
from loadtests.ledger import Sighting
from loadtests.measuring import Clock, StepFailed, WrongReply, record
from loadtests.messages import Message
from loadtests.sessions import ImapSession, SmtpSession
from loadtests.sweep import IMAP, Inbox, fetch_ids, ids_of, remove
from loadtests.users.base import MailUser


class MailFlowUser(MailUser):
    """Sends itself one message after another by SMTP, and watches its INBOX by IMAP until each one is there.

    The end-to-end time, `FLOW delivery`, runs from the first command of the transaction until the message
    is fetched; its resolution is the profile's `poll_s`.
    """

    kind = "mail-flow"

    def begin(self) -> None:
        """Take an account and note where its new mail begins."""
        dialer = self.load.dialer
        self.account: Account = self.load.next_account()
        inbox = self.watch_inbox(self.account)
        assert inbox is not None, "the profile's services include IMAP"
        # An own reading mark: other users of the account, and the last reading, have theirs.
        self.inbox = Inbox(inbox.account, inbox.next_uid)
        self.news = True
        self.smtp = SmtpSession(dialer, dialer.endpoint(Service.SMTP))
        self.imap = ImapSession(dialer, dialer.endpoint(*IMAP))

    @task
    def send_and_wait(self) -> None:
        """Send one message and wait until it is seen, right in every octet."""
        self._open_imap()
        if not self.smtp.is_open:
            self.connect_smtp(self.smtp)
            self.draw_acts(self.smtp)
        self.smtp.acts_left -= 1
        message = self.load.compose(self.account)
        clock = Clock()
        self.deliver(self.smtp, self.account, message)
        if self.smtp.acts_left <= 0:
            with self.measured("SMTP", "QUIT", self.smtp) as step:
                self.smtp.quit(step)
        self._await(message, clock)

    def _open_imap(self) -> None:
        if self.imap.is_open:
            return
        with self.measured("IMAP", "connect", self.imap) as step:
            self.imap.connect(step)
        with self.measured("IMAP", "LOGIN", self.imap) as step:
            self.imap.login(step, self.account)
        with self.measured("IMAP", "SELECT", self.imap) as step:
            step.result(self.imap.client.select("INBOX"))

    def _await(self, message: Message, clock: Clock) -> None:
        """Look until `message` is there; one that the run's end overtakes is left to the last reading."""
        knob = self.load.profile.knob
        give_up_ms = knob("give_up_s") * 1000.0
        self.news = True
        while not self.is_stopping:
            if self.news:
                uid = self._look().get(message.message_id)
                if uid is not None:
                    self._fetch(message, uid, clock)
                    return
            elif clock.elapsed_ms > give_up_ms:
                record(self.environment, "FLOW", "delivery", clock, failure=StepFailed("not there in time"))
                return
            else:
                gevent.sleep(knob("poll_s"))
                with self.measured("IMAP", "NOOP", self.imap) as step:
                    self._note_news(step.result(self.imap.client.noop()))

    def _note_news(self, result: Result) -> None:
        """Look again after an EXISTS, whatever its number: others may have removed as many as came."""
        self.news = bool(result.all(Exists))

    def _look(self) -> dict[str, int]:
        """Return the messages of ours that are new in the INBOX, with their UIDs."""
        first_uid = self.inbox.next_uid
        with self.measured("IMAP", "FETCH id", self.imap) as step:
            result = fetch_ids(self.imap.client, step, first_uid)
            self._note_news(result)
            found = ids_of(result, first_uid)
        ours = {}
        for uid, message_id in found.items():
            self.inbox.next_uid = max(self.inbox.next_uid, uid + 1)
            if message_id is not None:
                ours[message_id] = uid
                self.load.ledger.see(message_id, f"{self.account.address} {uid}")
        return ours

    def _fetch(self, message: Message, uid: int, clock: Clock) -> None:
        """Fetch the message whole, compare it, end the clock, and remove it."""
        with self.measured("IMAP", "FETCH message", self.imap) as step:
            data = step.result(self.imap.client.uid_fetch(uid, b"(UID BODY.PEEK[])")).first(FetchData)
            if data is None or data.message is None:
                step.wrong("FETCH without the message")
        place = f"{self.account.address} {uid}"
        sighting = self.load.ledger.see(message.message_id, place, data.message)
        damaged = self.load.ledger.is_damaged(message.message_id)
        failure = WrongReply("other octets than were sent") if damaged else None
        if sighting is Sighting.DOUBLE:
            failure = WrongReply("a second copy")
        record(self.environment, "FLOW", "delivery", clock, octets=len(data.message), failure=failure)
        with self.measured("IMAP", "remove", self.imap) as step:
            remove(self.imap.client, step, [uid])

    def finish(self) -> None:
        """Close both connections."""
        self.smtp.end()
        self.imap.end()
