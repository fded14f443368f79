"""Kill -9 under load, the sending half: whoever was told 250 finds the mail in INBOX, once, and at the hop.

Each message goes to a user of ours and to a recipient elsewhere, in one transaction; so the kill hits
deliveries, the queue, and the relay between the hop's 250 and the note that the recipient is through with.
"""

import base64
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BufferedRWPair
from pathlib import Path

from reference_server.store import Account, Store
from reference_server.store.passwords import CHEAP

ROUNDS = 3
FLOOR = 60
"""Acknowledgements that a round must reach before the kill; a server that takes nothing proves nothing."""
CLIENTS = 6
HOP_ADDRESS = "127.0.0.2"
WAIT_S = 60.0
LOGIN = base64.b64encode(b"\0alice@one.test\0secret")
MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9]+)@client>\r$", re.MULTILINE)


def number_of(octets: bytes) -> int:
    """Return the number that the client gave a message."""
    found = MESSAGE_ID.search(octets)
    assert found is not None, octets[:200]
    return int(found[1])


class Hop:
    """The next hop: takes everything and remembers what it said 250 to."""

    def __init__(self) -> None:
        self._listening = socket.create_server((HOP_ADDRESS, 0))
        self.port: int = self._listening.getsockname()[1]
        self._changed = threading.Condition()
        self._taken: set[int] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for(self, numbers: set[int]) -> bool:
        """Whether all of them come in time."""
        with self._changed:
            return self._changed.wait_for(lambda: numbers <= self._taken, WAIT_S)

    def taken(self) -> set[int]:
        with self._changed:
            return set(self._taken)

    def close(self) -> None:
        # Without the shutdown, accept() in the other thread would keep the socket.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with peer, peer.makefile("rwb") as file:
            try:
                self._converse(file)
            except OSError:
                return

    def _converse(self, file: BufferedRWPair) -> None:
        say(file, b"220 hop")
        for line in file:
            verb = line[:4].upper()
            say(file, {b"DATA": b"354 go on", b"QUIT": b"221 bye"}.get(verb, b"250 ok"))
            if verb == b"DATA":
                text = b"".join(iter(file.readline, b".\r\n"))
                # Remembered before the reply: a kill between the two makes a second copy, never a loss.
                with self._changed:
                    self._taken.add(number_of(text))
                    self._changed.notify_all()
                say(file, b"250 taken")


def say(file: BufferedRWPair, line: bytes) -> None:
    file.write(line + b"\r\n")
    file.flush()


class Ledger:
    """What the clients were told 250 to; kills the server once that is enough."""

    def __init__(self, server: "subprocess.Popen[str]", *, after: int) -> None:
        self._server = server
        self._after = after
        self._lock = threading.Lock()
        self.acknowledged: set[int] = set()
        self.refusals: list[bytes] = []

    def acknowledge(self, number: int) -> None:
        with self._lock:
            self.acknowledged.add(number)
            if len(self.acknowledged) == self._after:
                self._server.send_signal(signal.SIGKILL)


def send_until_cut(port: int, numbers: Iterator[int], ledger: Ledger) -> None:
    """Submit message after message until the server is gone."""
    try:
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as peer, peer.makefile("rwb") as file:
            if not all(
                told(file, line, ledger) for line in (b"", b"EHLO client.test", b"AUTH PLAIN " + LOGIN)
            ):
                return
            for number in numbers:
                text = b"Message-ID: <%d@client>\r\n\r\n%b\r\n." % (number, b"x" * (number % 900))
                lines = (
                    b"MAIL FROM:<alice@one.test>",
                    b"RCPT TO:<alice@one.test>",
                    b"RCPT TO:<bob@[%b]>" % HOP_ADDRESS.encode(),
                )
                if not all(told(file, line, ledger) for line in (*lines, b"DATA", text)):
                    return
                ledger.acknowledge(number)
    except OSError:
        return


def told(file: BufferedRWPair, line: bytes, ledger: Ledger) -> bool:
    """Whether the command (or, for none, the greeting) is answered well before the server is gone."""
    if line:
        say(file, line)
    while True:
        reply = file.readline()
        if not reply.endswith(b"\r\n"):
            return False
        if reply[:1] not in b"23":
            ledger.refusals.append(reply)
            return False
        if reply[3:4] == b" ":
            return True


@contextmanager
def serving(directory: Path, hop: Hop) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """Run a server on the directory; the process, and its submission port."""
    target = directory / "target.toml"
    server = subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "reference_server", "--ports=free", "--log-level=error"),
            *(f"--data={directory / 'data'}", f"--write-target={target}", f"--relay-port={hop.port}"),
            "--account=alice@one.test:secret",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        for line in server.stdout:
            if line.startswith("target"):
                break
        yield server, tomllib.loads(target.read_text())["service"]["submission"]["port"]
    finally:
        server.kill()
        server.stdout.close()
        server.wait()


def run_until_killed(directory: Path, hop: Hop, *, first: int, after: int) -> set[int]:
    """Load a server from several clients, kill it after so many acknowledgements, return those."""
    with serving(directory, hop) as (server, port):
        ledger = Ledger(server, after=after)
        numbers = [iter(range(first + client, first + 100_000, CLIENTS)) for client in range(CLIENTS)]
        clients = [
            threading.Thread(target=send_until_cut, args=(port, mine, ledger), daemon=True)
            for mine in numbers
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join(WAIT_S)
            assert not client.is_alive()
        assert not ledger.refusals
        assert server.wait(WAIT_S) == -signal.SIGKILL
    return ledger.acknowledged


def delivered(data: Path) -> dict[int, int]:
    """Return the message in INBOX at each UID."""
    with closing(Store.open(data, cost=CHEAP)) as store:
        alice = store.account("alice@one.test")
        assert isinstance(alice, Account)
        mailbox = store.mailbox(alice.account_id, "INBOX")
        assert mailbox is not None
        columns = mailbox.columns
        assert len(set(columns.uids)) == len(columns.uids)
        assert mailbox.uid_next > max(columns.uids)
        pairs = zip(columns.uids, columns.message_ids, strict=True)
        return {uid: number_of(store.octets(message_id)) for uid, message_id in pairs}


def queued(data: Path) -> set[int]:
    """Return the messages that wait for the hop."""
    with closing(sqlite3.connect(data / "mailproof.sqlite")) as connection:
        rows = connection.execute(
            "SELECT octets FROM queue_mail WHERE id IN (SELECT mail_id FROM queue_recipient)"
        ).fetchall()
    return {number_of(octets) for (octets,) in rows}


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    data = tmp_path / "data"
    acknowledged: set[int] = set()
    inbox: dict[int, int] = {}
    with closing(Hop()) as hop:
        for round_number in range(1, ROUNDS + 1):
            after = FLOOR + 37 * round_number
            told_now = run_until_killed(tmp_path, hop, first=round_number * 1_000_000, after=after)
            assert len(told_now) >= FLOOR
            acknowledged |= told_now
            earlier, inbox = inbox, delivered(data)
            assert earlier.items() <= inbox.items(), "a UID changed its message"
            copies = Counter(inbox.values())
            assert max(copies.values()) == 1
            assert acknowledged <= copies.keys()
            assert acknowledged <= queued(data) | hop.taken()
        with serving(tmp_path, hop) as (server, _):
            # What was taken without an acknowledgement is delivered everywhere or nowhere.
            assert hop.wait_for(set(inbox.values()))
            server.send_signal(signal.SIGTERM)
            assert server.wait(WAIT_S) == 0
        assert hop.taken() == set(inbox.values())
        assert not queued(data)
