"""Other servers that bring mail to the MX (RFC 5321 §2.3.9, §5.1)."""

from locust import task

from harness.vocabulary.services import Service, Tls
from loadtests.sessions import SmtpSession
from loadtests.users.base import MailUser


class InboundUser(MailUser):
    """A sending server: connects, perhaps under TLS, brings one or a few messages, and says QUIT."""

    kind = "inbound"

    def begin(self) -> None:
        """Look at the mailboxes of all recipients before the first message."""
        endpoint = self.load.dialer.endpoint(Service.SMTP)
        self.session = SmtpSession(self.load.dialer, endpoint)
        self.may_use_tls = endpoint.tls is Tls.STARTTLS

    @task
    def bring(self) -> None:
        """Bring one message; connect before the first, and leave after the last of the connection."""
        account = self.load.next_account()
        self.watch_inbox(account)
        if not self.session.is_open:
            share = self.load.profile.knob("starttls_share")
            self.connect_smtp(self.session, tls=self.may_use_tls and self.load.random.random() < share)
            self.draw_acts(self.session)
        self.session.acts_left -= 1
        self.deliver(self.session, account, self.load.compose(account))
        if self.session.acts_left <= 0:
            with self.measured("SMTP", "QUIT", self.session) as step:
                self.session.quit(step)

    def finish(self) -> None:
        """Leave without a word; the server is used to it."""
        self.session.end()
