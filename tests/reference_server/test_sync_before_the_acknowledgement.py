"""What 250 promises survives a power cut, not only a kill: the sync is complete before the reply leaves.

The page cache survives a kill, so a server that never syncs passes every kill -9. Here the server runs on a
disk that notes each write and each sync: what no sync came after is discarded, and the rest must hold the
acknowledged message. Each test is shown to fail on a server whose sync was taken away.
"""

import os
import selectors
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import faulty_disk
import pytest
from server_process import ALICE, WAIT_S, Dialogue, ServerProcess, serving

from reference_server.store import Account, Store
from reference_server.store.passwords import CHEAP

TEXT = b"Message-ID: <%d@client>\r\nSubject: x\r\n\r\n" + b"line\r\n" * 400
MISTAKES = ("OFF", "NORMAL")
"""Without any sync; and as write-ahead logs often are, synced at checkpoints only."""


class CutOff:
    """A server on a disk whose every call is noted, and the disk as it was before."""

    def __init__(self, server: ServerProcess, directory: Path, before: list[bytes]) -> None:
        self.server = server
        self.directory = directory
        self._before = before

    def messages_after_a_power_cut(self, elsewhere: Path) -> set[bytes]:
        """Open what was synced by now, in another place, and return alice's messages."""
        journal = (self.directory / "disk" / "journal").read_bytes()
        shutil.copytree(self.directory / "before", elsewhere)
        images = faulty_disk.what_a_power_cut_leaves(journal, self._before)
        for suffix, octets in zip(faulty_disk.SUFFIXES, images, strict=True):
            (elsewhere / suffix).write_bytes(octets)
        with closing(Store.open(elsewhere, cost=CHEAP)) as store:
            alice = store.account(ALICE)
            assert isinstance(alice, Account)
            mailbox = store.mailbox(alice.account_id, "INBOX")
            assert mailbox is not None
            return {store.octets(message_id) for message_id in mailbox.columns.message_ids}


@contextmanager
def on_a_noting_disk(directory: Path, *mistake: str) -> Iterator[CutOff]:
    """Make the accounts on an honest disk, then serve on the noting one."""
    data, disk = directory / "data", directory / "disk"
    disk.mkdir()
    with serving(directory) as server:
        assert server.stop() == 0
    shutil.copytree(data, directory / "before")
    paths = [data / suffix for suffix in faulty_disk.SUFFIXES]
    before = [path.read_bytes() if path.exists() else b"" for path in paths]
    program = ("-P", faulty_disk.__file__, str(disk), *mistake)
    with serving(directory, program=program) as server:
        yield CutOff(server, directory, before)


def acknowledged_and_kept(cut: CutOff, directory: Path) -> list[bool]:
    """Deliver some messages; for each, whether a power cut right after its 250 leaves it."""
    kept = []
    with cut.server.smtp() as client:
        for number in range(3):
            text = TEXT % number
            assert client.deliver(text, ALICE).startswith(b"250 ")
            found = cut.messages_after_a_power_cut(directory / f"cut-{number}")
            kept.append(any(octets.endswith(text) for octets in found))
    return kept


def test_a_power_cut_after_the_250_loses_nothing(tmp_path: Path) -> None:
    with on_a_noting_disk(tmp_path) as cut:
        assert acknowledged_and_kept(cut, tmp_path) == [True, True, True]


@pytest.mark.parametrize("word", MISTAKES)
def test_without_the_sync_the_loss_is_seen(tmp_path: Path, word: str) -> None:
    with on_a_noting_disk(tmp_path, "--synchronous", word) as cut:
        assert acknowledged_and_kept(cut, tmp_path) == [False, False, False]


@contextmanager
def held_sync(cut: CutOff) -> Iterator[tuple[Dialogue, bool]]:
    """Hold the sync and send a text; the sender, and whether its reply came although the sync is held."""
    disk = cut.directory / "disk"
    for name in ("reached", "go"):
        os.mkfifo(disk / name)
    with ExitStack() as stack:
        client = stack.enter_context(cut.server.smtp())
        other = stack.enter_context(cut.server.smtp())
        reached = os.open(disk / "reached", os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, reached)
        client.envelope(ALICE)
        assert client.code(b"DATA") == 354
        (disk / "order").write_text("hold")
        stack.callback((disk / "order").unlink)
        selector = stack.enter_context(selectors.DefaultSelector())
        selector.register(client.socket, selectors.EVENT_READ, "reply")
        selector.register(reached, selectors.EVENT_READ, "sync")
        client.send(TEXT % 1 + b".\r\n")
        first = {key.data for key, _ in selector.select(WAIT_S)}
        assert first
        # The loop has had a turn when another client has its answer.
        assert other.code(b"NOOP") == 250
        yield client, "reply" in first | {key.data for key, _ in selector.select(0)}


def reply_before_sync(cut: CutOff) -> bool:
    """Whether the reply leaves although the sync is not complete."""
    with held_sync(cut) as (client, early):
        if not early:
            (cut.directory / "disk" / "order").write_text("none")
            (cut.directory / "disk" / "go").write_bytes(b"x")
        assert client.reply().startswith(b"250 ")
        return early


def test_the_reply_waits_for_the_sync(tmp_path: Path) -> None:
    with on_a_noting_disk(tmp_path) as cut:
        assert not reply_before_sync(cut)


def test_a_reply_without_a_sync_is_seen(tmp_path: Path) -> None:
    with on_a_noting_disk(tmp_path, "--synchronous", "OFF") as cut:
        assert reply_before_sync(cut)


def test_a_kill_while_the_sync_is_under_way(tmp_path: Path) -> None:
    """Nobody was told anything: the message is there whole, or not at all."""
    with on_a_noting_disk(tmp_path) as cut, held_sync(cut) as (client, early):
        assert not early
        cut.server.kill()
        assert client.reply() == b""
    with serving(tmp_path) as server:
        found = server.inbox()
        assert len(found) <= 1
        assert all(octets.endswith(TEXT % 1) for octets in found.values())
        with server.smtp() as client:
            assert client.deliver(TEXT % 2, ALICE).startswith(b"250 ")
        assert len(server.inbox()) == len(found) + 1


def test_calls_without_a_sync_are_discarded() -> None:
    def record(kind: bytes, number: int, offset: int, octets: bytes = b"") -> bytes:
        return faulty_disk.RECORD.pack(kind, number, offset, len(octets)) + octets

    journal = (
        record(b"W", 0, 2, b"cd") + record(b"W", 1, 0, b"log") + record(b"S", 0, 0)
        + record(b"W", 0, 0, b"lost") + record(b"T", 1, 1) + record(b"S", 1, 0) + record(b"W", 1, 0, b"x")
    )  # fmt: skip
    assert faulty_disk.what_a_power_cut_leaves(journal, [b"a", b""]) == [b"a\0cd", b"l"]


def test_dialogues_are_plain(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.smtp() as client:
        assert isinstance(client, Dialogue)
        assert client.deliver(TEXT % 7, ALICE).startswith(b"250 ")
        assert [octets.endswith(TEXT % 7) for octets in server.inbox().values()] == [True]
        assert server.inbox(after=1) == {}
