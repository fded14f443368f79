"""A mailbox that is empty as far as the check can see: what arrives in it was sent by the check."""

import time
from collections.abc import Callable, Sequence

from harness.targets.file import Account
from harness.targets.findings import WrongMail
from harness.targets.inbox import Inbox, StoredMessage, poll
from harness.targets.pace import Pace

_SHOWN = 3


class Mailbox:
    """The INBOX of a leased account, from the beginning of the lease on; see `Target.fresh_mailbox`."""

    def __init__(
        self,
        account: Account,
        inbox: Inbox,
        *,
        wait_s: float,
        send_fence: Callable[["Mailbox", bytes], object],
        pace: Pace | None = None,
    ) -> None:
        self.account = account
        self._inbox = inbox
        self._wait_s = wait_s
        self._pace = pace or Pace(wait_s)
        self._send_fence = send_fence
        self.seen = 0
        """How many have been read so far."""

    @property
    def address(self) -> str:
        """Where mail for it goes."""
        return self.account.address

    def messages(self, count: int = 1, *, wait_s: float | None = None) -> list[StoredMessage]:
        """Wait until at least `count` have arrived; all that are there then, in the order of arrival.

        Raises `WrongMail` if fewer have come after `wait_s`.
        """
        wait_s = self._pace.arrival_s(self._wait_s) if wait_s is None else wait_s
        began = time.monotonic()
        arrived: Sequence[StoredMessage] = ()

        def enough() -> bool:
            nonlocal arrived
            arrived = self._inbox.arrived()
            self.seen = len(arrived)
            return self.seen >= count

        if not poll(enough, wait_s):
            raise WrongMail(f"{_number(count)} for {self.address} within {wait_s:g} s", _number(len(arrived)))
        if count:
            self._pace.learn_arrival(time.monotonic() - began)
        return list(arrived)

    def only_message(self, *, wait_s: float | None = None) -> StoredMessage:
        """Wait for a message; it must be the only one."""
        arrived = self.messages(1, wait_s=wait_s)
        if len(arrived) > 1:
            raise WrongMail(f"one message for {self.address}", f"{_number(len(arrived))}: {_show(arrived)}")
        return arrived[0]

    def expect_none(
        self, fence: Callable[[bytes], object] | None = None, *, beside: int = 0, wait_s: float | None = None
    ) -> None:
        """Show that nothing has arrived, or no more than the `beside` that are known.

        Silence proves nothing, so that a marked message is sent after (by `fence`, or by the target's best
        way in) and waited for: what went before it would be there too.
        """
        mark = _Mark.fresh()
        if fence is None:
            self._send_fence(self, mark.message(self.address))
        else:
            fence(mark.message(self.address))
        arrived = self.messages(0)

        def fenced() -> bool:
            nonlocal arrived
            arrived = list(self._inbox.arrived())
            return any(mark.is_on(message) for message in arrived)

        wait_s = self._pace.arrival_s(self._wait_s) if wait_s is None else wait_s
        if not poll(fenced, wait_s):
            raise WrongMail(
                f"the marked message sent after it for {self.address} within {wait_s:g} s",
                _number(len(arrived)),
            )
        others = [message for message in arrived if not mark.is_on(message)]
        if len(others) > beside:
            raise WrongMail(
                f"{_number(beside)} for {self.address}", f"{_number(len(others))}: {_show(others)}"
            )


class _Mark:
    """Makes fences that can be told apart."""

    _made = 0

    def __init__(self, word: str) -> None:
        self._word = word.encode()

    @classmethod
    def fresh(cls) -> "_Mark":
        cls._made += 1
        return cls(f"<fence-{cls._made}-{id(cls):x}@client.mailproof.test>")

    def message(self, to: str) -> bytes:
        """The message that bears the mark."""
        lines = (
            b"From: <harness@client.mailproof.test>",
            b"To: <%s>" % to.encode(),
            b"Date: Thu, 01 Jan 2026 00:00:00 +0000",
            b"Message-ID: " + self._word,
            b"Subject: fence",
            b"",
            b"What was sent before this has arrived by now.",
            b"",
        )
        return b"\r\n".join(lines)

    def is_on(self, message: StoredMessage) -> bool:
        """Whether the message is the one."""
        return self._word in message.header


def _number(count: int) -> str:
    return f"{count or 'no'} message{'' if count == 1 else 's'}"


def _show(messages: Sequence[StoredMessage]) -> str:
    """The beginnings of the first few."""
    shown = ", ".join(repr(message.without_trace[:200]) for message in messages[:_SHOWN])
    return shown + (", ..." if len(messages) > _SHOWN else "")
