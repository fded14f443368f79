"""The disk is full, broken, or read-only for a while: a temporary refusal, no torn mail, and on it goes."""

import resource
from collections.abc import Iterator
from pathlib import Path

import faulty_disk
import pytest
from server_process import ALICE, BOB, ServerProcess, serving

WHOLE = b"Subject: whole %b\r\n\r\n" + b"line\r\n" * 2_000
LOST = b"Subject: lost %b\r\n\r\n" + b"line\r\n" * 2_000
ORDERS = {
    "full": "write 13",  # SQLITE_FULL
    "error-of-writing": "write 778",  # SQLITE_IOERR_WRITE
    "error-of-syncing": "sync 1034",  # SQLITE_IOERR_FSYNC
    "read-only": "write 8",  # SQLITE_READONLY
}


class Bad:
    """A server on a disk that fails by order."""

    def __init__(self, server: ServerProcess, disk: Path) -> None:
        self.server = server
        self._order = disk / "order"

    def fail(self, order: str) -> None:
        self._order.write_text(order)

    def heal(self) -> None:
        self._order.unlink()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad-disk")


@pytest.fixture(scope="module")
def bad(place: Path) -> Iterator[Bad]:
    disk = place / "disk"
    disk.mkdir()
    with serving(place, program=("-P", faulty_disk.__file__, str(disk))) as server:
        yield Bad(server, disk)


@pytest.mark.parametrize("kind", list(ORDERS))
def test_a_failing_disk_is_a_temporary_refusal(bad: Bad, kind: str) -> None:
    server, word = bad.server, kind.encode()
    before = len(server.inbox())
    with server.smtp() as client, server.smtp("lmtp", hello=b"LHLO") as agent:
        assert client.deliver(WHOLE % word, ALICE).startswith(b"250 ")
        bad.fail(ORDERS[kind])
        try:
            for _ in range(2):
                assert client.deliver(LOST % word, ALICE)[:4] in {b"451 ", b"452 "}
            agent.envelope(ALICE, BOB)
            assert agent.code(b"DATA") == 354
            agent.send(LOST % word + b".\r\n")
            assert {agent.reply()[:3] for _ in range(2)} <= {b"451", b"452"}
            answer = server.imap_command(b"APPEND INBOX {%d+}\r\n%b" % (len(LOST % word), LOST % word))
            assert answer.startswith(b"t NO ")
        finally:
            bad.heal()
        # The same connection goes on, in the same session.
        assert client.deliver(WHOLE % word, ALICE).startswith(b"250 ")
    inbox = list(server.inbox().values())[before:]
    assert [octets.endswith(WHOLE % word) for octets in inbox] == [True, True]


def test_what_was_refused_is_not_there_after_a_restart(bad: Bad, place: Path) -> None:
    before = bad.server.inbox()
    bad.server.kill()
    with serving(place) as server:
        assert server.inbox() == before
        assert server.inbox(BOB) == {}


def test_a_file_that_cannot_grow(tmp_path: Path) -> None:
    """The kernel's own refusal: the process may write no file above a size (RLIMIT_FSIZE)."""
    with serving(tmp_path) as server, server.smtp() as client:
        assert client.deliver(WHOLE % b"1", ALICE).startswith(b"250 ")
        server.limit(resource.RLIMIT_FSIZE, 4096)
        assert client.deliver(LOST % b"1", ALICE)[:4] in {b"451 ", b"452 "}
        server.limit(resource.RLIMIT_FSIZE, -1)
        assert client.deliver(WHOLE % b"2", ALICE).startswith(b"250 ")
        kept = server.inbox()
        assert len(kept) == 2
        server.kill()
    with serving(tmp_path) as server:
        assert server.inbox() == kept
