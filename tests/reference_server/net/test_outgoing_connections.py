"""Connections to next hops: kept for the next message, replaced where they are of no use any more."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import NONE
from reference_server.net.hub import Hub
from reference_server.net.outgoing import Outgoing
from reference_server.relay.attempt import Unreachable
from reference_server.relay.dialogue import Outcome, OutgoingSettings
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.relay.routing import Hop

HOP = Hop("mx.two.test", "127.0.0.1")


class Exchanger:
    """A next hop; counts what comes, and says after how many messages it hangs up, and how."""

    def __init__(self, hang_up_after: int = 1000, last_words: bytes = b"") -> None:
        self.verbs: list[list[str]] = []
        self.hang_up_after = hang_up_after
        self.last_words = last_words
        self.sessions: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verbs: list[str] = []
        self.verbs.append(verbs)
        writer.write(b"220 mx\r\n")
        texts = 0
        while line := await reader.readline():
            verb = line.split()[0].decode("ascii").upper()
            verbs.append(verb)
            if texts >= self.hang_up_after:
                writer.write(self.last_words)
                break
            if verb == "DATA":
                writer.write(b"354 go\r\n")
                while await reader.readline() != b".\r\n":
                    pass
                texts += 1
            writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            if verb == "QUIT":
                break
        writer.close()


@asynccontextmanager
async def relaying(
    exchanger: Exchanger, *, idle_s: float = 30.0, max_messages: int = 100
) -> AsyncIterator[Callable[[], Awaitable[Outcome]]]:
    """Return what hands a message to the exchanger."""
    server = await asyncio.start_server(exchanger.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hub = Hub(
        asyncio.get_running_loop(),
        None,  # type: ignore[arg-type]
        max_connections_per_address=100,
        failed_login_delay_s=0.0,
    )
    outgoing = Outgoing(
        hub,
        port=port,
        settings=OutgoingSettings("mail.one.test", idle_s=idle_s, max_messages=max_messages),
        connect_timeout_s=10.0,
        tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        defects=NONE,
    )
    mail = OutgoingMail(None, (Addressee(Mailbox("bob", "two.test")),), b"x\r\n")
    try:
        yield lambda: outgoing.speak(HOP, mail, True)
    finally:
        await hub.stop(5.0)
        await asyncio.gather(*exchanger.sessions)
        server.close()
        await server.wait_closed()


def _codes(outcome: Outcome) -> list[int]:
    return [reply.code for reply in outcome.replies.values()]


@pytest.mark.parametrize(("idle_s", "connections"), [(30.0, 1), (0.0, 3)])
def test_one_connection_for_a_burst(idle_s: float, connections: int) -> None:
    async def run() -> None:
        exchanger = Exchanger()
        async with relaying(exchanger, idle_s=idle_s) as send:
            for _ in range(3):
                assert _codes(await send()) == [250]
        assert len(exchanger.verbs) == connections
        assert sum(verbs.count("EHLO") for verbs in exchanger.verbs) == connections
        assert sum(verbs.count("DATA") for verbs in exchanger.verbs) == 3
        # However it came to its end, the server took its leave.
        assert all(verbs[-1] == "QUIT" for verbs in exchanger.verbs)

    asyncio.run(run())


def test_a_connection_carries_no_more_than_its_share() -> None:
    async def run() -> None:
        exchanger = Exchanger()
        async with relaying(exchanger, max_messages=2) as send:
            for _ in range(3):
                await send()
        assert [verbs.count("MAIL") for verbs in exchanger.verbs] == [2, 1]

    asyncio.run(run())


def test_at_the_same_time_each_has_its_own() -> None:
    async def run() -> None:
        exchanger = Exchanger()
        async with relaying(exchanger) as send:
            outcomes = await asyncio.gather(send(), send())
            assert [_codes(outcome) for outcome in outcomes] == [[250], [250]]
            assert _codes(await send()) == [250]
        assert sorted(verbs.count("MAIL") for verbs in exchanger.verbs) == [1, 2]

    asyncio.run(run())


@pytest.mark.parametrize("last_words", [b"", b"421 too many messages\r\n"])
def test_a_hop_that_had_enough_gets_a_fresh_connection(last_words: bytes) -> None:
    async def run() -> None:
        exchanger = Exchanger(hang_up_after=1, last_words=last_words)
        async with relaying(exchanger) as send:
            for _ in range(3):
                assert _codes(await send()) == [250]
        assert [verbs.count("DATA") for verbs in exchanger.verbs] == [1, 1, 1]

    asyncio.run(run())


def test_nobody_is_there() -> None:
    async def run() -> None:
        async with relaying(Exchanger()) as send:
            await send()
        with pytest.raises(Unreachable):
            await send()

    asyncio.run(run())
