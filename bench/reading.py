"""What IMAP reading costs the reference server: sessions kept open, a mix of FETCH and durable STORE."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bench.figures import Figure, child_running, cpu_s
from harness.clients.imap import ImapClient
from harness.targets import Target, TargetFile, embedded_target

_SESSIONS = 20
_MESSAGES = 50
_COMMANDS = 1_000
_MESSAGE = b"Subject: a message to read\r\n\r\n" + b"A line of text, as mail has them.\r\n" * 60


def figures() -> Iterator[Figure]:
    """Measure the server's CPU time per command of half BODY.PEEK[], a quarter FLAGS, a quarter STORE."""
    with embedded_target(accounts=_SESSIONS, outbound=False) as file:
        pid = child_running("reference_server")
        target = Target(file)
        clients = [_prepared(target, file, number) for number in range(_SESSIONS)]
        used_s, started_s = cpu_s(pid), time.perf_counter()
        with ThreadPoolExecutor(_SESSIONS) as pool:
            list(pool.map(_work, clients, range(_SESSIONS)))
        used_s, elapsed_s = cpu_s(pid) - used_s, time.perf_counter() - started_s
        for client in clients:
            client.logout()
        target.close()
    commands = _SESSIONS * _COMMANDS
    conditions = (
        f"{_SESSIONS} sessions, {commands:,} commands, {_MESSAGES} messages of {len(_MESSAGE):,} octets"
    )
    yield Figure(
        "50% BODY.PEEK[], 25% FLAGS, 25% STORE: server CPU", used_s / commands * 1e6, "µs/command", conditions
    )
    yield Figure(
        "the same: rate (the generator is the bottleneck)", commands / elapsed_s, "commands/s", conditions
    )


def _prepared(target: Target, file: TargetFile, number: int) -> ImapClient:
    client = target.imap(file.accounts.pool[number])
    for _ in range(_MESSAGES):
        assert client.append("INBOX", _MESSAGE).ok
    assert client.select("INBOX").ok
    return client


def _work(client: ImapClient, seed: int) -> None:
    choose = random.Random(seed)
    for turn in range(_COMMANDS):
        number = choose.randint(1, _MESSAGES)
        if turn % 2:
            result = client.fetch(number, "BODY.PEEK[]")
        elif turn % 4:
            result = client.fetch(number, "FLAGS")
        else:
            sign = "+FLAGS" if choose.random() < 0.5 else "-FLAGS"
            result = client.store(number, sign, [rf"\{choose.choice(('Seen', 'Flagged', 'Answered'))}"])
        assert result.ok
