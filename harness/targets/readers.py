"""The harness's own connections to the accounts, kept open from example to example."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from harness.clients.pop3 import Pop3Client
from harness.targets.connections import Connections, NotServed
from harness.targets.file import Account, TargetFile
from harness.targets.findings import Lacking
from harness.targets.inbox import ImapInbox, Inbox, Pop3Inbox, poll
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.judging import Need

_LOCKED = "[IN-USE]"
"""The response code of a maildrop that another session has (RFC 2449 §8.1.2)."""


class Readers:
    """One reader per account: by IMAP where the target has it, else by POP3.

    Where a kept connection has failed, cleaning up is done on a new one, without any refutation in it.
    """

    def __init__(self, file: TargetFile, connections: Connections) -> None:
        self._file = file
        self._connections = connections
        self._kept: dict[str, Inbox] = {}
        self._in_use: set[str] = set()

    @property
    def by_imap(self) -> bool:
        """Whether the target has IMAP."""
        return self._has(Need.IMAP)

    def _has(self, role: Need) -> bool:
        return self._file.endpoint(self._file.player(role)) is not None

    @contextmanager
    def using(self, account: Account) -> Iterator[None]:
        """Keep the account's connection from being closed for another one's sake."""
        self._in_use.add(account.address)
        try:
            yield
        finally:
            self._in_use.discard(account.address)

    def marked(self, account: Account) -> Inbox:
        """The reader of an account, to which all that comes from now on has arrived."""
        return self._alive(account, lambda inbox: inbox.mark())

    def keeper(self, account: Account) -> ImapInbox:
        """The IMAP reader of an account, which can make and delete mailboxes."""
        if not self.by_imap:
            raise Lacking("the target has none of imap, imaps, which a mailbox of one's own needs")
        inbox = self._alive(account, lambda inbox: inbox.check())
        assert isinstance(inbox, ImapInbox)
        return inbox

    def _alive(self, account: Account, prepare: Callable[[Inbox], object]) -> Inbox:
        """The kept reader after `prepare`, or a new one if the kept connection is no longer good."""
        if (inbox := self._kept.get(account.address)) is not None:
            try:
                prepare(inbox)
            except MailproofError:
                self.forget(account)
            else:
                return inbox
        inbox = self._kept[account.address] = self._new(account)
        prepare(inbox)
        return inbox

    def tidy(self, account: Account, inbox: Inbox, job: Callable[[Inbox], object]) -> None:
        """Clean up by `job`; if that fails, on a new connection to the server as it is.

        Who interrupts the cleaning gets it all the same, once more from its beginning.
        """
        try:
            job(inbox)
        except MailproofError:
            self._tidy_anew(account, inbox, job)
        except KeyboardInterrupt:
            self._tidy_anew(account, inbox, job)
            raise

    def _tidy_anew(self, account: Account, inbox: Inbox, job: Callable[[Inbox], object]) -> None:
        self.forget(account)
        with suppress(MailproofError):
            successor = self._new(account, as_it_is=True)
            try:
                successor.adopt(inbox)
                job(successor)
            finally:
                successor.close()

    def _new(self, account: Account, *, as_it_is: bool = False) -> Inbox:
        if not self.by_imap:
            if not self._has(Need.POP3):
                raise Lacking("the target has none of imap, imaps, pop3, pop3s, to read mail and remove it")
            return Pop3Inbox(lambda: self._pop3(account, as_it_is=as_it_is))
        client = self._connections.imap(account, provisioning=True, as_it_is=as_it_is)
        try:
            return ImapInbox(client)
        except BaseException:
            client.disconnect()
            raise

    def _pop3(self, account: Account, *, as_it_is: bool) -> Pop3Client:
        """Open a session; one that was dropped may hold the maildrop's lock for a moment (RFC 1939 §4)."""
        clients: list[Pop3Client] = []

        def try_it() -> bool:
            try:
                clients.append(self._connections.pop3(account, provisioning=True, as_it_is=as_it_is))
            except NotServed as error:
                if _LOCKED not in str(error):
                    raise
            return bool(clients)

        if not poll(try_it, self._connections.reply_timeout_s):
            raise NotServed(f"the maildrop of {account.address} stays locked: [IN-USE]")
        return clients[0]

    def forget(self, account: Account) -> None:
        """Close the account's connection."""
        inbox = self._kept.pop(account.address, None)
        if inbox is not None:
            inbox.close()

    def release_one(self) -> bool:
        """Close one connection that is only kept; False if there is none."""
        idle = next((address for address in self._kept if address not in self._in_use), None)
        if idle is None:
            return False
        self._kept.pop(idle).close()
        return True

    def close(self) -> None:
        """Close all connections."""
        while self._kept:
            _, inbox = self._kept.popitem()
            inbox.close()
