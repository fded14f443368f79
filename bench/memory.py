"""How much memory the reference server holds: over many messages, and with many idle connections."""

import socket
from collections.abc import Iterator

from bench import contenders
from bench.figures import Figure, resident_octets
from bench.sending import Case, drive, generator_path

_MESSAGES = 100_000
_STEPS = 4
_CONNECTIONS = 1_000
_KEPT_OPEN = Case("1 KiB, sessions kept open", 1024, _MESSAGES, ("-d",))
_MEBIOCTET = 1_048_576


def figures() -> Iterator[Figure]:
    """Measure resident memory as messages come, and what an idle connection adds."""
    with contenders.reference() as server:
        before = resident_octets(server.pid)
        yield Figure("started", before / _MEBIOCTET, "MiB resident", "no client yet")
        sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(_CONNECTIONS)]
        for one in sockets:
            one.recv(512)
        held = resident_octets(server.pid)
        conditions = f"{_CONNECTIONS:,} SMTP connections, greeted, idle"
        yield Figure("idle connections", held / _MEBIOCTET, "MiB resident", conditions)
        yield Figure("the same, each", (held - before) / _CONNECTIONS / 1024, "KiB", conditions)
        for one in sockets:
            one.close()
        generator = generator_path()
        if generator is None:
            return
        step = _MESSAGES // _STEPS
        for number in range(1, _STEPS + 1):
            drive(generator, server, _KEPT_OPEN, step)
            resident = resident_octets(server.pid)
            yield Figure(
                "messages taken", resident / _MEBIOCTET, "MiB resident", f"{number * step:,} of 1 KiB"
            )
