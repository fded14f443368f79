"""A POP3 account of our own, whose maildrop holds exactly what the check puts there."""

from collections.abc import Callable, Sequence

from harness.clients.pop3 import Pop3Client
from harness.targets.file import Account
from harness.targets.findings import WrongMail
from harness.targets.inbox import ImapInbox, Inbox, poll


class Maildrop:
    """The maildrop of a leased account; see `Target.maildrop`."""

    def __init__(
        self,
        account: Account,
        inbox: Inbox,
        *,
        connect: Callable[[Account], Pop3Client],
        deliver: Callable[[Account, bytes], object],
        wait_s: float,
    ) -> None:
        self.account = account
        self._inbox = inbox
        self._connect = connect
        self._deliver = deliver
        self._wait_s = wait_s
        self._opened: list[Pop3Client] = []
        self._holds = 0

    @property
    def address(self) -> str:
        """Where mail for it goes."""
        return self.account.address

    @property
    def exact(self) -> bool:
        """Whether messages are put in as they are, by APPEND; a delivery adds trace fields on top."""
        return isinstance(self._inbox, ImapInbox)

    def put(self, messages: bytes | Sequence[bytes]) -> None:
        """Add messages to the maildrop, in this order; they are there when this returns.

        A session that is open does not see them (RFC 1939 §3).
        """
        for message in [messages] if isinstance(messages, bytes) else messages:
            self._holds += 1
            if isinstance(self._inbox, ImapInbox):
                self._inbox.append(message)
            else:
                self._deliver(self.account, message)
                self._await(self._holds)

    def _await(self, count: int) -> None:
        """Wait for a delivery, so that the next one cannot overtake it."""
        if not poll(lambda: self._inbox.count() >= count, self._wait_s):
            raise WrongMail(
                f"{count} delivered to {self.address} within {self._wait_s:g} s", f"{self._inbox.count()}"
            )

    def open(self) -> Pop3Client:
        """A new session, logged in; it is closed at the end if nobody closes it before."""
        client = self._connect(self.account)
        self._opened.append(client)
        return client

    def empty(self) -> None:
        """Close the sessions, without QUIT, and remove every message."""
        self.close_sessions()
        self._inbox.empty()
        self._holds = 0

    def close_sessions(self) -> None:
        """Close all sessions that `open` gave."""
        for client in self._opened:
            client.close()
        self._opened.clear()
