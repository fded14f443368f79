"""Connections to next hops: the same driver as for clients, with the sending side's dialogue in it."""

import asyncio
import os
import ssl

from reference_server.defects import Defects
from reference_server.net.connection import Connection
from reference_server.net.hub import Hub
from reference_server.net.wire import TlsRole
from reference_server.relay.attempt import Unreachable
from reference_server.relay.dialogue import OutgoingMail, OutgoingSession, OutgoingSettings
from reference_server.relay.routing import Hop
from reference_server.session.base import Peer


class Outgoing:
    """Connects to hops and runs one dialogue on each connection."""

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

    async def speak(self, hop: Hop, mail: OutgoingMail, use_tls: bool) -> OutgoingSession:
        """Hand a message to a hop; the dialogue, ended or down to its QUIT, knows what became of it."""
        ended = asyncio.Event()
        sessions: list[OutgoingSession] = []

        def session_for(peer: Peer) -> OutgoingSession:
            session = OutgoingSession(
                peer, mail=mail, settings=self._settings, defects=self._defects, use_tls=use_tls
            )
            session.on_decided = ended.set
            sessions.append(session)
            return session

        def connection() -> Connection:
            return Connection(
                self._hub,
                session_for,
                tls=TlsRole(
                    self._tls, server_side=False, server_name=None if hop.host.startswith("[") else hop.host
                ),
                on_end=ended.set,
            )

        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._hub.loop.create_connection(connection, hop.address, self._port)
        except TimeoutError:
            raise Unreachable(f"no connection within {self._connect_timeout_s:g} s") from None
        except OSError as error:
            raise Unreachable(os.strerror(error.errno) if error.errno else str(error)) from None
        await ended.wait()
        if not sessions:
            raise Unreachable("the server is stopping")
        return sessions[0]
