"""Connections to next hops: the same driver as for clients, with the sending side's dialogue in it.

A connection is kept for a moment after a message, and the next one for the same host takes it: so a burst of
mail costs one greeting, one handshake, one introduction.
"""

import asyncio
import os
import ssl
from collections import defaultdict

from reference_server.defects import Defects
from reference_server.net.connection import Connection
from reference_server.net.hub import Hub
from reference_server.net.wire import TlsRole
from reference_server.relay.attempt import Unreachable
from reference_server.relay.dialogue import Outcome, OutgoingSession, OutgoingSettings
from reference_server.relay.mail import OutgoingMail
from reference_server.relay.routing import Hop
from reference_server.session.base import Peer

_Key = tuple[Hop, bool]
"""Hop, and whether TLS is used if it is offered."""


class _Link:
    """One connection, and the message that is on it."""

    def __init__(self) -> None:
        self.session: OutgoingSession | None = None
        self.decided = asyncio.Event()

    async def outcome(self) -> Outcome:
        """Wait until all is known of the message, or the connection has ended."""
        await self.decided.wait()
        if self.session is None:
            raise Unreachable("the server is stopping")
        return self.session.outcome

    async def hand_over(self, session: OutgoingSession, mail: OutgoingMail) -> Outcome:
        """Send another message over the connection, which is idle."""
        self.decided.clear()
        session.hand_over(mail)
        return await self.outcome()


class Outgoing:
    """Connects to hops, brings mail to them, and keeps connections that may be used again."""

    def __init__(
        self,
        hub: Hub,
        *,
        port: int,
        settings: OutgoingSettings,
        connect_timeout_s: float,
        tls: ssl.SSLContext,
        defects: Defects,
    ) -> None:
        self._hub = hub
        self._port = port
        self._settings = settings
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._defects = defects
        self._idle: defaultdict[_Key, list[_Link]] = defaultdict(list)

    async def speak(self, hop: Hop, mail: OutgoingMail, use_tls: bool) -> Outcome:
        """Hand a message to a hop; the dialogue, idle, ended or down to its QUIT, says what became of it."""
        key = (hop, use_tls)
        while (link := self._kept(key)) is not None:
            assert link.session is not None
            outcome = await link.hand_over(link.session, mail)
            if not outcome.is_stale:
                self._keep(key, link)
                return outcome
        link = await self._connect(key, mail)
        outcome = await link.outcome()
        self._keep(key, link)
        return outcome

    def _kept(self, key: _Key) -> _Link | None:
        """Take the connection that was used last; those that have ended meanwhile are let go."""
        links = self._idle.pop(key, [])
        while links:
            link = links.pop()
            if link.session is not None and link.session.is_idle:
                if links:
                    self._idle[key] = links
                return link
        return None

    def _keep(self, key: _Key, link: _Link) -> None:
        if link.session is not None and link.session.is_idle:
            self._idle[key].append(link)

    def _over(self, key: _Key, link: _Link) -> None:
        """Let an ended connection go."""
        link.decided.set()
        links = self._idle.get(key, [])
        if link in links:
            links.remove(link)
        if not links:
            self._idle.pop(key, None)

    async def _connect(self, key: _Key, mail: OutgoingMail) -> _Link:
        """Connect, with a session that starts on the message at once."""
        hop, use_tls = key
        link = _Link()

        def session_for(peer: Peer) -> OutgoingSession:
            session = OutgoingSession(
                peer, mail=mail, settings=self._settings, defects=self._defects, use_tls=use_tls
            )
            session.on_decided = link.decided.set
            link.session = session
            return session

        def connection() -> Connection:
            return Connection(
                self._hub,
                session_for,
                tls=TlsRole(
                    self._tls, server_side=False, server_name=None if hop.host.startswith("[") else hop.host
                ),
                on_end=lambda: self._over(key, link),
            )

        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._hub.loop.create_connection(connection, hop.address, self._port)
        except TimeoutError:
            raise Unreachable(f"no connection within {self._connect_timeout_s:g} s") from None
        except OSError as error:
            raise Unreachable(os.strerror(error.errno) if error.errno else str(error)) from None
        return link
