"""Peers that go, stay, drip, and do not read; and a server that has no descriptor left for the next one."""

import resource
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from server_process import ALICE, PASSWORD, WAIT_S, Dialogue, ServerProcess, serving

TIMEOUT_S = 1.5
DRIP_S = 0.05
LIMITS = f"""
[limits]
command_timeout_s = {TIMEOUT_S}
text_timeout_s = {TIMEOUT_S}
max_message_octets = 4194304
"""
RESET = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("connections"), config=LIMITS) as running:
        # What is opened once and stays is open by then.
        running.imap_command(b"FETCH 1:* BODY.PEEK[]")
        yield running


def until(condition: Callable[[], bool], server: ServerProcess) -> bool:
    """Ask the server in between, which makes it go on; whether the condition comes true in time."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        with server.smtp():
            pass
    return True


# Half-open, reset, ended


@pytest.mark.parametrize(
    "said", [b"", b"EH", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<%b>\r\nDATA\r\nSubj"]
)
@pytest.mark.parametrize("how", ["reset", "ended", "reset-unread"])
def test_a_peer_that_goes_leaves_nothing_behind(server: ServerProcess, said: bytes, how: str) -> None:
    before = server.descriptors()
    for _ in range(5):
        client = Dialogue(server.port("smtp"))
        if how != "reset-unread":
            assert client.reply().startswith(b"220 ")
        client.send(said.replace(b"%b", ALICE.encode()))
        if how != "ended":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
    assert until(lambda: server.descriptors() <= before, server)
    assert server.inbox() == {}


def test_replies_are_still_sent_to_a_peer_that_has_ended_its_side(server: ServerProcess) -> None:
    with Dialogue(server.port("smtp")) as client:
        client.send(b"EHLO x\r\n" + b"NOOP\r\n" * 1_000 + b"QUIT\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        said = client.file.read()
    assert said.count(b"250 2.0.0") == 1_000
    assert b"\r\n221 " in said


def test_a_peer_that_vanished_is_let_go(server: ServerProcess) -> None:
    """Half-open: no FIN, no RST, no octet; the time-out of RFC 5321 §4.5.3.2.7 frees the session."""
    before = server.descriptors()
    with ExitStack() as stack:
        clients = [stack.enter_context(server.smtp()) for _ in range(20)]
        for client in clients:
            assert client.reply().startswith(b"421 ")
            assert client.file.read() == b""
    assert until(lambda: server.descriptors() <= before, server)


# Drips


def drip(client: Dialogue, octet: bytes, server: ServerProcess) -> float:
    """Send an octet at a time until the server has had enough; how long that took, others being served."""
    begun = time.monotonic()
    while not select.select([client.socket], [], [], DRIP_S)[0]:
        assert time.monotonic() - begun < WAIT_S, "the server lets it drip on"
        client.send(octet)
        with server.smtp() as other:
            assert other.code(b"NOOP") == 250
    return time.monotonic() - begun


@pytest.mark.parametrize("start", [(), (b"MAIL FROM:<>", b"RCPT TO:<alice@one.test>", b"DATA")])
def test_who_drips_is_cut_off(server: ServerProcess, start: tuple[bytes, ...]) -> None:
    """Before the end of a line, and in the text: the whole of it has a deadline, not each octet."""
    with server.smtp() as client:
        for line in start:
            assert client.code(line) in {250, 354}
        assert drip(client, b"x", server) < 10 * TIMEOUT_S
        assert client.reply()[:4] in {b"421 ", b""}
    assert server.inbox() == {}


def test_who_drips_a_chunk_is_cut_off(server: ServerProcess) -> None:
    with server.smtp() as client:
        client.envelope(ALICE)
        client.send(b"BDAT 100000 LAST\r\n")
        assert drip(client, b"x", server) < 10 * TIMEOUT_S
        assert client.reply()[:4] in {b"421 ", b""}
    assert server.inbox() == {}


# Readers that do not read


def test_who_does_not_read_costs_one_slice(server: ServerProcess) -> None:
    """100 MB of FETCH are asked for and never read: what they cost is bounded, and others are served."""
    text = b"Subject: large\r\n\r\n" + (b"x" * 78 + b"\r\n") * 26_000
    with server.smtp() as client:
        assert client.deliver(text, ALICE).startswith(b"250 ")
    client = Dialogue(server.port("imap"))
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with client:
        client.send(b"a LOGIN %b %b\r\nb SELECT INBOX\r\n" % (ALICE.encode(), PASSWORD.encode()))
        while not client.file.readline().startswith(b"b OK"):
            pass
        before = server.memory_kib()
        client.send(b"".join(b"f%d FETCH 1 BODY.PEEK[]\r\n" % number for number in range(50)))
        assert client.file.readline().startswith(b"* 1 FETCH ")
        for _ in range(20):
            with server.smtp() as other:
                assert other.deliver(b"Subject: small\r\n\r\n", "bob@one.test").startswith(b"250 ")
        assert server.memory_kib() - before < 32 * 1024
    server.empty_inbox()


def test_who_floods_and_does_not_read_is_not_served(server: ServerProcess) -> None:
    """What is sent without an end, its replies unread, stays in the kernel's buffers and at the sender."""
    before = server.memory_kib()
    client = server.smtp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.socket.setblocking(False)
    with client:
        sent = 0
        try:
            while sent < 256_000_000:
                sent += client.socket.send(b"NOOP\r\n" * 1_000)
                if not select.select([], [client.socket], [], 2.0)[1]:
                    break
        except BlockingIOError:
            pass
        assert sent < 128_000_000
        assert server.memory_kib() - before < 32 * 1024
        with server.smtp() as other:
            assert other.code(b"NOOP") == 250


# No descriptors


def test_without_descriptors_the_server_waits_and_goes_on(tmp_path: Path) -> None:
    """EMFILE in accept: no spinning, those who are connected are served, and later the others too."""
    with serving(tmp_path) as server, ExitStack() as stack:
        early = stack.enter_context(server.smtp())
        server.limit(resource.RLIMIT_NOFILE, server.descriptors() + 4)
        waiting = [stack.enter_context(Dialogue(server.port("smtp"))) for _ in range(12)]
        assert early.deliver(b"Subject: x\r\n\r\n", ALICE).startswith(b"250 ")
        greeted = select.select([client.socket for client in waiting], [], [], WAIT_S)[0]
        assert greeted
        assert len(greeted) < len(waiting)
        begun, used = time.monotonic(), server.cpu_s()
        # One of the waiting ones is greeted only once there is room; until then the server idles.
        quiet = [client for client in waiting if client.socket not in greeted]
        assert not select.select([client.socket for client in quiet[4:]], [], [], 1.2)[0]
        assert server.cpu_s() - used < 0.5 * (time.monotonic() - begun)
        server.limit(resource.RLIMIT_NOFILE, -1)
        for client in waiting:
            client.hello()
            assert client.deliver(b"Subject: x\r\n\r\n", ALICE).startswith(b"250 ")
        assert len(server.inbox()) == 1 + len(waiting)
