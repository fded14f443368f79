"""Mailbox and maildrop over an inbox made of lists."""

from collections.abc import Callable, Sequence

import pytest

from harness.targets.file import Account
from harness.targets.findings import WrongMail
from harness.targets.inbox import Inbox, StoredMessage, poll
from harness.targets.mailbox import Mailbox
from harness.targets.maildrop import Maildrop

ALICE = Account("alice@e.test", "alice", "p")
FIRST = StoredMessage(b"Received: by x\r\nReturn-Path: <>\r\nSubject: one\r\n two\r\n\r\n.text\r\n", uid=7)


class LaterInbox:
    """Everything arrives only at a later look, as behind a queue."""

    def __init__(self, *, looks: int = 3) -> None:
        self._looks = looks
        self._under_way: list[StoredMessage] = []
        self._here: list[StoredMessage] = []

    def send(self, message: bytes) -> None:
        self._under_way.append(StoredMessage(message))

    def mark(self) -> None:
        self._here.clear()

    def arrived(self) -> Sequence[StoredMessage]:
        self._looks -= 1
        if self._looks <= 0:
            self._here += self._under_way
            self._under_way = []
        return tuple(self._here)

    def remove_arrived(self) -> None:
        self._here.clear()

    def adopt(self, other: Inbox) -> None:
        self._here = list(other.arrived())

    def check(self) -> None:
        pass

    def empty(self) -> None:
        self._here.clear()

    def count(self) -> int:
        return len(self.arrived())

    def close(self) -> None:
        self._here.clear()


def mailbox(inbox: LaterInbox, *, lost: bool = False, wait_s: float = 5.0) -> Mailbox:
    def send_fence(mailbox: Mailbox, message: bytes) -> None:
        assert mailbox.address == "alice@e.test"
        if not lost:
            inbox.send(message)

    return Mailbox(ALICE, inbox, wait_s=wait_s, send_fence=send_fence)


def test_messages_are_waited_for() -> None:
    inbox = LaterInbox()
    box = mailbox(inbox)
    inbox.send(b"a")
    inbox.send(b"b")
    assert [message.octets for message in box.messages(2)] == [b"a", b"b"]
    assert box.seen == 2
    with pytest.raises(WrongMail, match=r"expected one message for .*; got 2 messages: b'a', b'b'"):
        box.only_message()


def test_what_does_not_come_is_a_finding() -> None:
    box = mailbox(LaterInbox())
    with pytest.raises(WrongMail) as caught:
        box.messages(3, wait_s=0.01)
    assert caught.value.expected == "3 messages for alice@e.test within 0.01 s"
    assert caught.value.actual == "no messages"
    assert isinstance(caught.value, AssertionError)


def test_the_only_message_comes_back() -> None:
    inbox = LaterInbox()
    inbox.send(b"Subject: x\r\n\r\ny\r\n")
    assert mailbox(inbox).only_message().text == b"y\r\n"


def test_a_fence_shows_that_nothing_came() -> None:
    mailbox(LaterInbox()).expect_none()


def test_a_fence_shows_what_came_before_it() -> None:
    inbox = LaterInbox()
    inbox.send(b"Subject: unwanted\r\n\r\n")
    with pytest.raises(WrongMail, match=r"expected no messages .* 1 message: b'Subject: unwanted"):
        mailbox(inbox).expect_none()


def test_a_fence_of_ones_own_and_known_mail() -> None:
    inbox = LaterInbox()
    inbox.send(b"Subject: wanted\r\n\r\n")
    box = mailbox(inbox, lost=True)
    box.only_message()
    box.expect_none(inbox.send, beside=1)
    box.expect_none(inbox.send, beside=2)  # the fence before is one more


def test_a_fence_that_is_lost_is_a_finding() -> None:
    with pytest.raises(WrongMail, match=r"the marked message sent after it .*; got no messages"):
        mailbox(LaterInbox(), lost=True).expect_none(wait_s=0.01)


def test_a_stored_message_shows_its_parts() -> None:
    assert FIRST.header == b"Received: by x\r\nReturn-Path: <>\r\nSubject: one\r\n two\r\n"
    assert FIRST.text == b".text\r\n"
    assert FIRST.without_trace == b"Subject: one\r\n two\r\n\r\n.text\r\n"
    assert FIRST.field("subject") == b"one two"
    assert FIRST.field("Date") is None


def test_polling_stops_in_time() -> None:
    looks = []

    def look() -> bool:
        looks.append(1)
        return False

    assert poll(look, 0.02) is False
    assert 2 <= len(looks) <= 20
    assert poll(lambda: True, 0.0) is True


def test_a_maildrop_holds_its_messages_when_put_returns() -> None:
    inbox = LaterInbox()
    deliver: Callable[[Account, bytes], object] = lambda account, message: inbox.send(message)  # noqa: E731
    drop = Maildrop(ALICE, inbox, connect=pytest.fail, deliver=deliver, wait_s=5.0)
    assert not drop.exact
    drop.put([b"a", b"b"])
    drop.put(b"c")
    assert inbox.count() == 3
    drop.empty()
    drop.put(b"d")
    assert inbox.count() == 1


def test_a_delivery_that_is_lost_is_a_finding() -> None:
    lost: Callable[[Account, bytes], object] = lambda account, message: None  # noqa: E731
    drop = Maildrop(ALICE, LaterInbox(), connect=pytest.fail, deliver=lost, wait_s=0.01)
    with pytest.raises(WrongMail, match=r"expected 1 delivered to alice@e\.test within 0\.01 s; got 0"):
        drop.put(b"a")
