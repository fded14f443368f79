"""An IMAP mailbox that a check has for itself."""

from collections.abc import Callable, Iterable
from datetime import datetime

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.targets.file import Account
from harness.targets.inbox import demand


class ImapMailbox:
    """A mailbox just made, selected on `client`; see `Target.imap_mailbox`."""

    def __init__(
        self,
        account: Account,
        name: bytes,
        delimiter: bytes | None,
        *,
        connect: Callable[[Account], ImapClient],
        fresh_name: Callable[[], bytes],
    ) -> None:
        self.account = account
        self.name = name
        """As it goes over the wire."""
        self.delimiter = delimiter
        """The separator of the hierarchy; None if the target has none."""
        self._connect = connect
        self._fresh_name = fresh_name
        self._opened: list[ImapClient] = []
        self.client = self.other_session()
        """A session with the mailbox selected."""

    def select_own(self) -> None:
        """Select the mailbox on `client`; done before the check gets it."""
        demand(self.client.select(self.name), "SELECT")

    def append(
        self, message: bytes, flags: Iterable[bytes | str] = (), date: datetime | None = None
    ) -> Result:
        """Add a message by APPEND on `client`, which sees it at once; the result, with its APPENDUID."""
        flags = list(flags)
        result = self.client.append(self.name, message, flags or None, date)
        demand(result, "APPEND")
        return result

    def second(self) -> ImapClient:
        """Another session of the same account with this mailbox selected; closed at the end if need be."""
        client = self.other_session()
        demand(client.select(self.name), "SELECT")
        return client

    def other_session(self) -> ImapClient:
        """Another session of the same account with nothing selected; closed at the end if need be."""
        client = self._connect(self.account)
        self._opened.append(client)
        return client

    def fresh_name(self) -> bytes:
        """A name for one more mailbox, which does not exist; removed at the end if the check makes it."""
        return self._fresh_name()

    def child_name(self, name: bytes = b"child") -> bytes | None:
        """The name of a mailbox below this one; None if the target has no hierarchy."""
        return None if self.delimiter is None else self.name + self.delimiter + name

    def close_sessions(self) -> None:
        """Close all sessions, without a word."""
        for client in self._opened:
            client.disconnect()
        self._opened.clear()
