"""Which session serves which port, and what each says when it breaks down."""

import asyncio
import ssl
from collections.abc import Callable

from harness.vocabulary.services import DEFAULT_TLS, Service, Tls
from reference_server.clock import Clock
from reference_server.config import Config
from reference_server.defects import Defects
from reference_server.mda.desk import Desk
from reference_server.net.connection import Connection
from reference_server.net.hub import Hub
from reference_server.net.listener import Listener, serve
from reference_server.net.wire import TlsRole
from reference_server.session.base import Peer, Session
from reference_server.session.imap.session import ImapSession
from reference_server.session.imap.settings import ImapSettings
from reference_server.session.lmtp import LmtpSession
from reference_server.session.pop3.session import Pop3Session
from reference_server.session.pop3.settings import Pop3Settings
from reference_server.session.smtp.desk import Role, SmtpSettings
from reference_server.session.smtp.session import SmtpSession
from reference_server.store import Store

_BREAKDOWN = {
    Service.POP3: b"-ERR [SYS/TEMP] internal fault, try again later\r\n",
    Service.POP3S: b"-ERR [SYS/TEMP] internal fault, try again later\r\n",
    Service.IMAP: b"* BYE [UNAVAILABLE] internal fault, try again later\r\n",
    Service.IMAPS: b"* BYE [UNAVAILABLE] internal fault, try again later\r\n",
}


class Services:
    """Makes the session for each connection of each listener."""

    def __init__(
        self,
        *,
        hub: Hub,
        store: Store,
        desk: Desk,
        config: Config,
        clock: Clock,
        defects: Defects,
        tls: ssl.SSLContext,
    ) -> None:
        self._hub = hub
        self._store = store
        self._desk = desk
        self._config = config
        self._clock = clock
        self._defects = defects
        self._tls = tls

    async def serve(self, listener: Listener) -> asyncio.Server:
        """Start to accept clients on a bound socket."""
        service = listener.service
        make_session = self._factory(service)
        tls = TlsRole(self._tls, implicit=DEFAULT_TLS[service] is Tls.IMPLICIT)
        breakdown = _BREAKDOWN.get(
            service, f"421 4.3.0 {self._config.hostname} internal fault, try again later\r\n".encode("ascii")
        )
        return await serve(
            self._hub.loop,
            listener,
            lambda: Connection(
                self._hub,
                make_session,
                breakdown=breakdown,
                tls=tls,
            ),
        )

    def _factory(self, service: Service) -> Callable[[Peer], Session]:
        match service:
            case Service.SMTP:
                return self._smtp(SmtpSession, self._smtp_settings(Role.MX))
            case Service.SUBMISSION | Service.SUBMISSIONS:
                return self._smtp(SmtpSession, self._smtp_settings(Role.SUBMISSION))
            case Service.LMTP:
                return self._smtp(LmtpSession, self._smtp_settings(Role.LMTP))
            case Service.POP3 | Service.POP3S:
                return self._pop3()
            case Service.IMAP | Service.IMAPS:
                return self._imap()

    def _smtp_settings(self, role: Role) -> SmtpSettings:
        limits = self._config.limits
        return SmtpSettings(
            role=role,
            hostname=self._config.hostname,
            max_message_octets=limits.max_message_octets,
            max_recipients=limits.max_recipients,
            max_errors=limits.max_errors,
            max_failed_logins=limits.max_failed_logins,
            clear_logins=self._config.clear_logins,
            tells_strangers=self._config.vrfy_for_strangers,
            command_timeout_s=limits.command_timeout_s,
            text_timeout_s=limits.text_timeout_s,
        )

    def _smtp(self, kind: type[SmtpSession], settings: SmtpSettings) -> Callable[[Peer], Session]:
        desk, defects, clock = self._desk, self._defects, self._clock
        return lambda peer: kind(peer, settings=settings, desk=desk, defects=defects, clock=clock)

    def _pop3(self) -> Callable[[Peer], Session]:
        config = self._config
        settings = Pop3Settings(hostname=config.hostname, clear_logins=config.clear_logins)
        return lambda peer: Pop3Session(peer, settings=settings, store=self._store)

    def _imap(self) -> Callable[[Peer], Session]:
        config = self._config
        settings = ImapSettings(
            hostname=config.hostname,
            clear_logins=config.clear_logins,
            max_message_octets=config.limits.max_message_octets,
            max_failed_logins=config.limits.max_failed_logins,
        )
        return lambda peer: ImapSession(peer, settings=settings, store=self._store, defects=self._defects)
