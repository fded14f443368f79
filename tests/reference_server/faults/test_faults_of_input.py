"""Input without an end, that is no text, or made to be expensive: capped, refused or kept, in linear time."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from server_process import ALICE, BOB, PASSWORD, Dialogue, ServerProcess, serving

ROOM_KIB = 24 * 1024
"""What the process may grow by; the inputs are larger."""
HEADER = b"Subject: x\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("input")) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left(server: ServerProcess) -> Iterator[None]:
    yield
    server.empty_inbox()


# Literals


@pytest.mark.parametrize(
    "size", [b"4294967295", b"99999999999999999999", b"-1", b"4294967295+", b"99999999999999999999+"]
)
@pytest.mark.parametrize("command", [b"APPEND INBOX ", b"LOGIN ", b"SEARCH SUBJECT "])
def test_literals_that_nobody_can_mean(server: ServerProcess, size: bytes, command: bytes) -> None:
    """Refused before anything is allocated; then the session is usable, or closed with BYE."""
    before = server.memory_kib()
    with imap(server) as client:
        client.send(b"a " + command + b"{" + size + b"}\r\n")
        answer = client.file.readline()
        assert answer.startswith((b"a NO ", b"a BAD ", b"* BAD ", b"* BYE ")), answer
        expect_usable_or_gone(client)
    assert server.memory_kib() - before < ROOM_KIB


def test_a_literal_announced_by_a_bare_line_feed(server: ServerProcess) -> None:
    with imap(server) as client:
        client.send(b"a APPEND INBOX {5}\n")
        assert client.file.readline().startswith((b"a BAD ", b"* BAD ", b"* BYE "))
        expect_usable_or_gone(client)


def test_an_empty_literal_is_legal(server: ServerProcess) -> None:
    with imap(server) as client:
        client.send(b'a LIST {0+}\r\n "*"\r\n')
        assert client.file.readline().startswith(b"* LIST ")
        assert client.file.readline().startswith(b"a OK")


def imap(server: ServerProcess) -> Dialogue:
    """A session that is logged in, INBOX selected."""
    client = Dialogue(server.port("imap"))
    client.send(b"l LOGIN %b %b\r\ns SELECT INBOX\r\n" % (ALICE.encode(), PASSWORD.encode()))
    while not client.file.readline().startswith(b"s OK"):
        pass
    return client


def expect_usable_or_gone(client: Dialogue) -> None:
    with suppress(ConnectionResetError):
        client.send(b"z NOOP\r\n")
        rest = iter(client.file.readline, b"")
        assert any(line.startswith((b"z OK", b"* BYE ")) for line in rest) or not client.file.readline()


# Without an end


@pytest.mark.parametrize("service", ["smtp", "submission", "lmtp", "pop3", "imap"])
def test_a_line_without_an_end(server: ServerProcess, service: str) -> None:
    before = server.memory_kib()
    with Dialogue(server.port(service)) as client:
        client.file.readline()
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(64):
                client.send(b"x" * 1_048_576)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.file.read(1_048_576).count(b"\n") <= 10
    assert server.memory_kib() - before < ROOM_KIB
    with server.smtp() as other:
        assert other.code(b"NOOP") == 250


def test_a_text_without_an_end(server: ServerProcess) -> None:
    """What exceeds the announced SIZE is read and dropped, then refused (RFC 1870 §6.1), or cut off."""
    before = server.memory_kib()
    with server.smtp() as client:
        client.envelope(ALICE)
        assert client.code(b"DATA") == 354
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(120):
                client.send((b"x" * 62 + b"\r\n") * 16_384)
            client.send(b".\r\n")
            assert client.reply().startswith(b"552 ")
            assert client.code(b"NOOP") == 250
    assert server.memory_kib() - before < 160 * 1024
    assert server.inbox() == {}


def test_as_many_recipients_as_anybody_can_send(server: ServerProcess) -> None:
    before = server.memory_kib()
    with server.smtp() as client:
        assert client.code(b"MAIL FROM:<>") == 250
        codes = [reply[:3] for reply in pipelined(client, b"RCPT TO:<%b>\r\n" % ALICE.encode(), 100_000)]
        assert (codes.index(b"452"), codes.count(b"452")) == (1_000, 99_000)
        assert client.code(b"RSET") == 250
    assert server.memory_kib() - before < ROOM_KIB


def test_a_hundred_thousand_commands_at_once(server: ServerProcess) -> None:
    """All are answered, in order, with no more memory than for one, and nobody else waits for their end."""
    before = server.memory_kib()
    with server.smtp() as client:
        replies = pipelined(client, b"NOOP\r\n", 100_000)
        assert len(replies) == 100_000
        assert {reply[:4] for reply in replies} == {b"250 "}
    assert server.memory_kib() - before < ROOM_KIB


def pipelined(client: Dialogue, command: bytes, count: int) -> list[bytes]:
    """Send and read at the same time, as much as goes; the replies."""
    pending = memoryview(command * count)
    said = bytearray()
    lines = 0
    client.socket.setblocking(False)
    while lines < count:
        readable, writable, _ = select.select([client.socket], [client.socket] if pending else [], [], 30)
        assert readable or writable
        if readable:
            octets = client.socket.recv(262_144)
            assert octets, bytes(said[-200:])
            lines += octets.count(b"\n")
            said += octets
        if writable:
            pending = pending[client.socket.send(pending[:262_144]) :]
    client.socket.setblocking(True)
    return bytes(said).splitlines()


# No text


@pytest.mark.parametrize(
    "odd",
    [b"\r", b"\n", b"\r\r\n", b"\0", b"\x80\xff", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\x7f\x1b",
     b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\0\r\n.\n"],
)  # fmt: skip
def test_odd_octets_are_refused_or_kept(server: ServerProcess, odd: bytes) -> None:
    """Nothing but CRLF.CRLF ends a text, and nothing in it is changed (RFC 5321 §2.3.8, §4.1.1.4)."""
    text = HEADER + b"before" + odd + b"MAIL FROM:<smuggler@remote.test>\r\nafter\r\n"
    with server.smtp() as client:
        reply = client.deliver(text, ALICE)
        assert client.code(b"NOOP") == 250
    bare = odd.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare:
        assert reply.startswith(b"5")
        assert server.inbox() == {}
    else:
        assert reply.startswith(b"250 ")
        # By POP3: no literal of IMAP can hold a NUL (RFC 3501 §9, CHAR8).
        (octets,) = server.by_pop3()
        assert octets.endswith(text)


@pytest.mark.parametrize("odd", [b"\0", b"\r", b"\n", b"\xff", b"\xc3\xa4"])
def test_odd_octets_in_commands_are_refused(server: ServerProcess, odd: bytes) -> None:
    with server.smtp() as client:
        assert client.code(b"MAIL FROM:<a" + odd + b"b@remote.test>") in range(500, 560)
        assert client.code(b"MAIL FROM:<>") == 250
        assert client.code(b"RCPT TO:<al" + odd + b"ice@one.test>") in range(500, 560)
        assert client.code(b"RCPT TO:<alice@one.test>") == 250


# Expensive on purpose


def addresses(count: int) -> bytes:
    return b"To: " + b",\r\n ".join(b"u%d@remote.test" % number for number in range(count)) + b"\r\n"


def parameters(count: int) -> bytes:
    names = b"".join(b";\r\n name*%d*=%%41" % number for number in range(count))
    return b"Content-Type: text/plain" + names + b"\r\n"


def fields(count: int) -> bytes:
    return b"X-Field: some words that say nothing\r\n" * count


@pytest.mark.parametrize(
    ("bomb", "count"),
    [(addresses, 100_000), (parameters, 50_000), (fields, 100_000)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_headers_take_linear_time(server: ServerProcess, bomb: Callable[[int], bytes], count: int) -> None:
    """Delivered, and read by FETCH ENVELOPE and BODYSTRUCTURE: four times as much in about four times."""
    taken = []
    for factor in (1, 4):
        text = bomb(count * factor // 4) + b"\r\n"
        used = server.cpu_s()
        with server.smtp() as client:
            assert client.deliver(text, BOB).startswith(b"250 ")
        answer = server.imap_command(b"FETCH * (ENVELOPE BODYSTRUCTURE RFC822.SIZE)", login=BOB)
        assert answer.startswith(b"t OK")
        taken.append(server.cpu_s() - used)
    assert taken[1] < 8 * taken[0] + 1.0, taken
    server.empty_inbox(BOB)
