"""What every load user has: the run, measured steps, and a delivery that keeps the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

import gevent
from locust import User
from locust.exception import RescheduleTask, StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from harness.clients.lmtp import LmtpClient
from harness.targets.file import Account
from loadtests.measuring import Abandoned, Session, Step, measured
from loadtests.messages import Message, draw
from loadtests.run import SENDER, Run
from loadtests.sessions import ClientSession, SmtpSession
from loadtests.sweep import Inbox

BEGIN_AGAIN_S: Final = 1.0
"""After a failed beginning, the next is tried not sooner than this."""


class _NoSession:
    """For steps that have a connection of their own."""

    def recover(self) -> None:
        """Nothing is open."""

    def end(self) -> None:
        """Nothing is open."""


class MailUser(User):
    """A user of a mail server.

    A subclass has tasks; each step of a task stands in `with self.measured("IMAP", "SELECT", session) as
    step:` and gives every reply to `step`, which raises where it is wrong. The failure is recorded, the
    session mended or ended, and the task given up; the next one begins anew.
    """

    abstract = True
    kind: ClassVar[str] = ""
    """The profile's `user`."""
    run_state: ClassVar[Run]
    """Set for the process before the first user is made."""

    def wait_time(self) -> float:
        """Return the pause before the next task, in seconds."""
        pause = self.load.profile.pause_s
        return self.load.random.uniform(pause.least, pause.most)

    @property
    def load(self) -> Run:
        """The run that this user is part of."""
        return type(self).run_state

    @property
    def is_stopping(self) -> bool:
        """Whether the user was asked to stop; a task that waits for something should look at it."""
        return self.load.finishing or self._state == LOCUST_STATE_STOPPING

    def on_start(self) -> None:
        """Begin, as often as it takes; a user that is spawned while the run is finishing does nothing."""
        while self.load.accounts and not self.is_stopping:
            try:
                self.begin()
            except RescheduleTask:
                gevent.sleep(max(BEGIN_AGAIN_S, self.wait_time()))
            else:
                return
        raise StopUser

    def on_stop(self) -> None:
        """End the sessions; what is to be removed is removed when all users have stopped."""
        self.finish()

    def begin(self) -> None:
        """Make what the user needs; for subclasses."""

    def finish(self) -> None:
        """Let go of what the user has; for subclasses."""

    @contextmanager
    def measured(self, protocol: str, name: str, session: Session) -> Iterator[Step]:
        """Measure one step; see `loadtests.measuring.measured`."""
        try:
            with measured(self.environment, protocol, name, session) as step:
                yield step
        except Abandoned as error:
            raise RescheduleTask from error

    def watch_inbox(self, account: Account) -> Inbox | None:
        """Note where the run's mail begins in the account's INBOX, before the first is sent there."""
        if self.load.is_watched(account):
            return self.load.watch_inbox(account)
        with self.measured("IMAP", "baseline", _NoSession()):
            return self.load.watch_inbox(account)

    def draw_acts(self, session: ClientSession) -> None:
        """Draw how many acts a fresh connection is to serve."""
        session.acts_left = draw(self.load.profile.connections, self.load.random)

    # Handing in

    def connect_smtp(self, session: SmtpSession, *, tls: bool = False) -> None:
        """Open the session: connect, greeting, EHLO or LHLO, and TLS if asked for."""
        with self.measured(session.protocol, "connect", session) as step:
            session.connect(step)
        if tls:
            with self.measured(session.protocol, "STARTTLS", session) as step:
                session.start_tls(step)

    def deliver(self, session: SmtpSession, account: Account, message: Message, sender: str = SENDER) -> None:
        """Hand `message` in over an open session, each command measured, and keep the ledger."""
        protocol = session.protocol
        client = session.client
        ledger = self.load.ledger
        with self.measured(protocol, "MAIL", session) as step:
            step.reply(client.mail(sender), 250)
        with self.measured(protocol, "RCPT", session) as step:
            step.reply(client.rcpt(account.address), 250)
        with self.measured(protocol, "DATA", session) as step:
            step.reply(client.data(), 354)
        ledger.send(message, account.address)
        with self.measured(protocol, "text", session) as step:
            if isinstance(client, LmtpClient):
                (reply,) = client.send_text_lmtp(message.octets, 1)
            else:
                reply = client.send_text(message.octets)
            # The server has spoken, right or wrong: the ledger follows the first digit (RFC 5321 §4.2.1).
            if reply.code >= 400:
                ledger.refuse(message)
            elif reply.code < 300:
                ledger.accept(message)
            step.reply(reply, 250)
