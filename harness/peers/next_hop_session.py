# ruff: noqa: N802, the names of hooks and verbs are aiosmtpd's
"""The next hop's sessions: aiosmtpd, with orders asked at each stage.

aiosmtpd costs some 270 µs of CPU per message of 1 KiB where a bare protocol costs 35: nothing for checks, too
much for load. Its threaded controller leaves the transports of open connections to the garbage collector and
wants to know its port beforehand; so the unthreaded one runs here, in a thread, and closes every connection
before its loop ends.
"""

import asyncio
import ssl
import time
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import AnyStr, Final, Protocol

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session

from harness.peers.behaviour import Behaviour, Order, Stage

LINE_OCTETS: Final = 1 << 20
"""Longer lines than RFC 5321 §4.5.3 allows are taken, since the question is what a relay really sends."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One message that was accepted."""

    mail_from: str
    """The reverse-path between its angle brackets as it was sent; empty for the null reverse-path."""
    rcpt_tos: tuple[str, ...]
    octets: bytes
    """The text, with the dots of transparency taken away again."""
    at: float
    """`time.monotonic()` when it was accepted."""
    ehlo_name: str
    esmtp: bool
    """Whether the client began with EHLO rather than HELO."""
    tls: bool
    parameters: tuple[str, ...]
    """Of MAIL, in upper case, as `BODY=8BITMIME`."""
    peer: str
    """The client's address."""


class Recorder(Protocol):
    """What the sessions report to, and ask: the `NextHop`."""

    name: str
    tls_context: ssl.SSLContext | None

    @property
    def behaviour(self) -> Behaviour:
        """The orders in force."""
        ...

    def admit(self) -> int:
        """Count a connection and return its number."""
        ...

    def decide(self, stage: Stage, argument: str, connection: int) -> Order | None:
        """Return the order that acts now, if any, and record the attempt."""
        ...

    def record(self, mail: ReceivedMail) -> None:
        """Keep an accepted message."""
        ...


class HopController(UnthreadedController):
    """Runs aiosmtpd's loop in the next hop's thread, and ends with every connection closed."""

    def __init__(self, recorder: Recorder, host: str, port: int) -> None:
        super().__init__(_Handler(), hostname=host, port=port)
        self.recorder = recorder
        self.sessions: set[_Session] = set()
        self.bound: Future[int] = Future()
        """The port, as soon as it is bound; an `OSError` if it cannot be."""

    def factory(self) -> "_Session":
        """Make the protocol object of one connection."""
        return _Session(self)

    def run(self) -> None:
        """Bind, serve until `end`, then close all; the body of the next hop's thread."""
        try:
            self.begin()  # type: ignore[no-untyped-call]
        except OSError as error:
            self.loop.close()
            self.bound.set_exception(error)
            return
        assert isinstance(self.server, asyncio.Server)
        self.bound.set_result(int(self.server.sockets[0].getsockname()[1]))
        try:
            self.loop.run_forever()
            self.loop.run_until_complete(self._close_all())
        finally:
            self.loop.close()

    def stop_serving(self) -> None:
        """Make `run` end; called from any thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _close_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for session in list(self.sessions):
            session.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.finalize()  # type: ignore[no-untyped-call]
        while self.sessions:  # each leaves the set when its transport has been closed by the loop
            await asyncio.sleep(0)


class _Session(SMTP):
    """One connection: aiosmtpd's session, with the behaviour asked at each stage.

    Its own reading of addresses goes through a parser of header fields, which rejects some legal paths and
    rewrites others; a recorder has to tell what was sent, so the path is taken as it stands between the angle
    brackets.
    """

    command_size_limit = 4096
    line_length_limit = LINE_OCTETS

    def __init__(self, controller: HopController) -> None:
        super().__init__(
            controller.handler,
            hostname=controller.recorder.name,
            enable_SMTPUTF8=True,
            tls_context=controller.recorder.tls_context,
            loop=controller.loop,
        )
        # A class attribute in aiosmtpd, emptied by every new connection under the feet of the others.
        self.command_size_limits = defaultdict(lambda: self.command_size_limit)
        self.controller = controller
        self.recorder = controller.recorder
        self.connection = 0
        self.greeted = False
        self.base_transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called a second time after STARTTLS, with the transport inside the TLS."""
        if self.base_transport is None:
            assert isinstance(transport, asyncio.Transport)
            self.base_transport = transport
            self.connection = self.recorder.admit()
            self.controller.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End; aiosmtpd may call this twice after STARTTLS."""
        self.controller.sessions.discard(self)
        if self.transport is not None:
            super().connection_lost(error)

    def abort(self) -> None:
        """Close the connection at once."""
        if self.base_transport is not None:
            self.base_transport.abort()

    async def obey(self, stage: Stage, argument: str = "") -> str | None:
        """Return the reply that is ordered for this stage, or None for acceptance; may not return at all."""
        order = self.recorder.decide(stage, argument, self.connection)
        if order is None:
            return None
        if order.delay_s:
            await asyncio.sleep(order.delay_s)
            self._reset_timeout()
        if order.drops:
            self.abort()
            raise asyncio.CancelledError
        return order.reply or None

    async def push(self, status: AnyStr) -> None:
        """Send one reply; the first is the greeting, where the orders for `Stage.CONNECT` act."""
        if self.greeted:
            await super().push(status)
            return
        self.greeted = True
        ordered = await self.obey(Stage.CONNECT)
        await super().push(ordered or f"220 {self.hostname} ESMTP next hop")
        if ordered is not None and self.transport is not None:
            self.transport.close()

    async def smtp_DATA(self, arg: str) -> None:
        """DATA, refused here by order only where aiosmtpd would have said 354."""
        if self.envelope is not None and self.envelope.rcpt_tos and not arg:
            ordered = await self.obey(Stage.DATA)
            if ordered is not None:
                await self.push(ordered)
                return
        await super().smtp_DATA(arg)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        path, rest = split_path(arg)
        if path is None:
            return None, None
        # aiosmtpd takes an empty address for "no MAIL yet"; the brackets come off again in `bare`.
        return (path or "<>"), rest


class _Handler:
    """The hooks of aiosmtpd: each asks for orders, and else does what aiosmtpd does without a hook."""

    async def handle_EHLO(
        self, server: _Session, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        ordered = await server.obey(Stage.EHLO, hostname)
        if ordered is not None:
            session.extended_smtp = False
            return [ordered]
        session.host_name = hostname
        hidden = {*server.recorder.behaviour.hidden, "AUTH", "HELP"}
        first, *rest = responses
        keywords = [line[4:] for line in rest if line[4:].split(" ")[0] not in hidden]
        lines = [first[4:], *keywords]
        return [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    async def handle_HELO(
        self, server: _Session, session: Session, _envelope: Envelope, hostname: str
    ) -> str:
        ordered = await server.obey(Stage.HELO, hostname)
        if ordered is not None:
            return ordered
        session.host_name = hostname
        return f"250 {server.hostname}"

    async def handle_MAIL(
        self, server: _Session, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        ordered = await server.obey(Stage.MAIL, bare(address))
        if ordered is not None:
            return ordered
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: _Session, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        ordered = await server.obey(Stage.RCPT, bare(address))
        if ordered is not None:
            return ordered
        envelope.rcpt_tos.append(bare(address))
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:
        ordered = await server.obey(Stage.TEXT)
        if ordered is not None:
            return ordered
        assert isinstance(envelope.original_content, bytes)
        server.recorder.record(
            ReceivedMail(
                mail_from=bare(envelope.mail_from or ""),
                rcpt_tos=tuple(envelope.rcpt_tos),
                octets=envelope.original_content,
                at=time.monotonic(),
                ehlo_name=session.host_name or "",
                esmtp=bool(session.extended_smtp),
                tls=session.ssl is not None,
                parameters=tuple(envelope.mail_options),
                peer=str(session.peer[0]) if session.peer else "",
            )
        )
        return "250 2.6.0 message accepted"

    async def handle_RSET(self, server: _Session, _session: Session, _envelope: Envelope) -> str:
        return await server.obey(Stage.RSET) or "250 2.0.0 ok"

    async def handle_NOOP(self, server: _Session, _session: Session, _envelope: Envelope, _arg: str) -> str:
        return await server.obey(Stage.NOOP) or "250 2.0.0 ok"

    async def handle_QUIT(self, server: _Session, _session: Session, _envelope: Envelope) -> str:
        return await server.obey(Stage.QUIT) or "221 2.0.0 bye"


def split_path(arg: str) -> tuple[str | None, str]:
    """Split `<path> parameters` at the bracket that ends the path, outside of quotes (RFC 5321 §4.1.2)."""
    text = arg.lstrip()
    if not text.startswith("<"):
        return None, ""
    quoted = escaped = False
    for index, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == ">" and not quoted:
            return text[1:index], text[index + 1 :]
    return None, ""


def bare(address: str) -> str:
    """Return the null path as an empty string, and any other as it is."""
    return "" if address == "<>" else address
