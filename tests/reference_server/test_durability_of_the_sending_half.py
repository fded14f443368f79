"""Kill -9 at random moments under load: whoever was told 250 finds the mail in INBOX, once, and at the hop.

Each message goes to a user of ours and to a recipient elsewhere, in one transaction; so the kill hits
deliveries, the queue, and the relay between the hop's 250 and the note that the recipient is through with.
What was sent without an answer is sent again after the restart, as senders do (RFC 5321 §4.5.4.1): only such
a message may be there twice.
"""

import os
import random
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from io import BufferedRWPair
from pathlib import Path

from server_process import ALICE, WAIT_S, Dialogue, ServerProcess, serving

ROUNDS = int(os.environ.get("MAILPROOF_KILL_ROUNDS", "20"))
"""`nox -s endurance` asks for 1,000."""
FLOOR = 60
"""Acknowledgements that a round must reach before the kill; a server that takes nothing proves nothing."""
MOST_MORE = 60
LATEST_KILL_S = 0.02
CLIENTS = 6
HOP_ADDRESS = "127.0.0.2"
MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9]+)@client>\r$", re.MULTILINE)
IDS_ONLY = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"


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
            return self._changed.wait_for(lambda: numbers <= self._taken, WAIT_S + ROUNDS)

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
        with suppress(OSError), peer, peer.makefile("rwb") as file:
            self._converse(file)

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
    """What the clients sent and what they were told, over all rounds; kills the server when it is time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: ServerProcess | None = None
        self._countdown = 0
        self._delay_s = 0.0
        self.sent: Counter[int] = Counter()
        """How often a message was sent down to its final dot."""
        self.acknowledged: set[int] = set()
        self.unsure: set[int] = set()
        """Sent, and the answer was not read."""
        self.refusals: list[bytes] = []

    def arm(self, server: ServerProcess, *, after: int, delay_s: float) -> None:
        """Have the server killed `delay_s` after so many acknowledgements."""
        self._server, self._countdown, self._delay_s = server, after, delay_s

    def sending(self, number: int) -> None:
        with self._lock:
            self.sent[number] += 1
            self.unsure.add(number)

    def acknowledge(self, number: int) -> None:
        with self._lock:
            self.unsure.discard(number)
            self.acknowledged.add(number)
            self._countdown -= 1
            if self._countdown == 0:
                assert self._server is not None
                threading.Timer(self._delay_s, self._server.process.kill).start()


def submit_until_cut(server: ServerProcess, numbers: Iterator[int], ledger: Ledger) -> None:
    """Submit message after message until the server is gone."""
    with suppress(OSError), Dialogue(server.port("submission")) as client:
        if not client.reply() or client.code(b"EHLO client.test") != 250 or client.login() != 235:
            return
        for number in numbers:
            for line in (
                b"MAIL FROM:<alice@one.test>",
                b"RCPT TO:<alice@one.test>",
                b"RCPT TO:<bob@[%b]>" % HOP_ADDRESS.encode(),
                b"DATA",
            ):
                if not told(client.ask(line), ledger):
                    return
            ledger.sending(number)
            text = b"Message-ID: <%d@client>\r\n\r\n%b\r\n.\r\n" % (number, b"x" * (number % 900))
            client.send(text)
            if not told(client.reply(), ledger):
                return
            ledger.acknowledge(number)


def told(reply: bytes, ledger: Ledger) -> bool:
    """Whether the server was there to answer, and in the affirmative."""
    if not reply.endswith(b"\r\n"):
        return False
    if reply[:1] not in b"23":
        ledger.refusals.append(reply)
        return False
    return True


def load_until_killed(server: ServerProcess, ledger: Ledger, *, first: int) -> None:
    """Load the server from several clients until the ledger has had it killed."""
    again = sorted(ledger.unsure)
    clients = []
    for client in range(CLIENTS):
        numbers = iter((*again[client::CLIENTS], *range(first + client, first + 10_000, CLIENTS)))
        clients.append(threading.Thread(target=submit_until_cut, args=(server, numbers, ledger), daemon=True))
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert not ledger.refusals
    assert server.process.wait(WAIT_S) == -signal.SIGKILL


def expect_whole(inbox: dict[int, int], ledger: Ledger) -> None:
    """Every acknowledged message once, and again only for each time that no answer was read."""
    copies = Counter(inbox.values())
    assert ledger.acknowledged <= copies.keys()
    for number, count in copies.items():
        assert count <= ledger.sent[number], f"message {number} is there {count} times"


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    ledger = Ledger()
    inbox: dict[int, int] = {}
    with closing(Hop()) as hop:
        options = (f"--relay-port={hop.port}",)
        for round_number in range(1, ROUNDS + 1):
            before = len(ledger.acknowledged)
            with serving(tmp_path, *options) as server:
                # What the last kill left; UIDs only grow, so what is new stands above the last one.
                new = server.inbox(after=max(inbox, default=0), part=IDS_ONLY)
                inbox |= {uid: number_of(octets) for uid, octets in new.items()}
                expect_whole(inbox, ledger)
                ledger.arm(
                    server, after=FLOOR + dice.randrange(MOST_MORE), delay_s=dice.random() * LATEST_KILL_S
                )
                load_until_killed(server, ledger, first=round_number * 10_000)
            assert len(ledger.acknowledged) - before >= FLOOR
        with serving(tmp_path, *options) as server:
            found = server.inbox(part=IDS_ONLY)
            now = {uid: number_of(octets) for uid, octets in found.items()}
            assert inbox.items() <= now.items(), "a UID changed its message"
            expect_whole(now, ledger)
            # What was taken without an acknowledgement is delivered everywhere or nowhere.
            assert hop.wait_for(set(now.values()))
            assert server.stop() == 0
        assert hop.taken() == set(now.values())


def test_a_text_that_was_cut_short_is_nowhere(tmp_path: Path) -> None:
    """Kill -9 in the middle of DATA, before the dot: no partial message, and nobody was told anything."""
    with serving(tmp_path) as server, server.smtp() as client, server.smtp() as other:
        client.envelope(ALICE)
        assert client.code(b"DATA") == 354
        client.send(b"Subject: cut\r\n\r\n" + b"line\r\n" * 10_000)
        # The other's reply says that the loop has come round, and has read of the text what had come.
        assert other.deliver(b"Subject: whole\r\n\r\n", ALICE).startswith(b"250 ")
        server.kill()
        with suppress(ConnectionResetError):
            assert client.reply() == b""
    with serving(tmp_path) as server:
        (octets,) = server.inbox().values()
        assert octets.endswith(b"Subject: whole\r\n\r\n")
