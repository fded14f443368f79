"""The sessions of load users: opened in measured steps, mended after a refusal, ended when something broke.

They use the harness's clients over plain sockets, without its recording: what is measured should be the
server. Under gevent's patching the same blocking code yields to the other users.
"""

import ssl
from abc import abstractmethod
from typing import Protocol

from harness.clients.imap import ImapClient
from harness.clients.lmtp import LmtpClient
from harness.clients.pop3 import Pop3Client
from harness.clients.smtp import SmtpClient
from harness.targets.file import Account, Endpoint, TargetFile
from harness.transport.tcp import SocketStream, client_context, connect_tcp, connect_unix
from harness.vocabulary.errors import UsageError
from harness.vocabulary.services import Service, Tls
from loadtests.measuring import Refusal, Step


class Dialer:
    """Opens streams to the services of one target."""

    def __init__(self, file: TargetFile) -> None:
        self.file = file
        self._context: ssl.SSLContext | None = None

    @property
    def reply_timeout_s(self) -> float:
        """How long a reply is waited for."""
        return self.file.limits.reply_timeout_s

    def endpoint(self, *services: Service) -> Endpoint:
        """Return the first of these services that the target has."""
        for service in services:
            endpoint = self.file.endpoint(service)
            if endpoint is not None:
                return endpoint
        raise UsageError(
            f"{self.file.path}: the target has no {' or '.join(services)}, which the profile needs"
        )

    def has(self, *services: Service) -> bool:
        """Whether the target has one of these services."""
        return any(self.file.endpoint(service) is not None for service in services)

    def stream(self, endpoint: Endpoint) -> SocketStream:
        """Connect, with TLS where it is implicit."""
        if endpoint.path is not None:
            return connect_unix(endpoint.path, self.reply_timeout_s)
        stream = connect_tcp(endpoint.host, endpoint.port, self.reply_timeout_s)
        if endpoint.tls is Tls.IMPLICIT:
            try:
                stream.start_tls(self.context(), self.server_name(endpoint))
            except BaseException:
                stream.close()
                raise
        return stream

    def context(self) -> ssl.SSLContext:
        """Return how certificates are verified: always, against the target's CA or the system's store."""
        if self._context is None:
            self._context = client_context(self.file.trust.ca_file)
        return self._context

    def server_name(self, endpoint: Endpoint) -> str:
        """Return the name that the certificate must be for."""
        return self.file.trust.server_name or endpoint.host or "localhost"


class _Client(Protocol):
    @property
    def stream(self) -> "_Closable": ...


class _Closable(Protocol):
    def close(self) -> None: ...


class ClientSession:
    """One user's session with one service; at most one connection at a time."""

    def __init__(self, dialer: Dialer, endpoint: Endpoint) -> None:
        self.dialer = dialer
        self.endpoint = endpoint
        self.acts_left = 0
        """How many more acts this connection is meant to serve."""

    @property
    @abstractmethod
    def raw_client(self) -> _Client | None:
        """The client, if there is a connection."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of the client."""

    def recover(self) -> None:
        """Nothing is left open by a refusal in most protocols."""

    def end(self) -> None:
        """Close without a word."""
        client = self.raw_client
        self.forget()
        if client is not None:
            client.stream.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self.raw_client is not None


class SmtpSession(ClientSession):
    """An SMTP session, or LMTP where the endpoint is that."""

    def __init__(self, dialer: Dialer, endpoint: Endpoint) -> None:
        super().__init__(dialer, endpoint)
        self._client: SmtpClient | None = None

    @property
    def protocol(self) -> str:
        """`SMTP` or `LMTP`."""
        return "LMTP" if self.endpoint.service is Service.LMTP else "SMTP"

    @property
    def raw_client(self) -> SmtpClient | None:
        """The client, if there is a connection."""
        return self._client

    @property
    def client(self) -> SmtpClient:
        """The client of the open connection."""
        assert self._client is not None
        return self._client

    def forget(self) -> None:
        """Let go of the client."""
        self._client = None

    def connect(self, step: Step) -> None:
        """Connect, read the greeting, say EHLO or LHLO."""
        stream = self.dialer.stream(self.endpoint)
        kind = LmtpClient if self.endpoint.service is Service.LMTP else SmtpClient
        self._client = kind(stream, reply_timeout_s=self.dialer.reply_timeout_s)
        step.reply(self._client.greeting(), 220)
        self._hello(step)

    def start_tls(self, step: Step) -> None:
        """STARTTLS, the handshake, and EHLO again (RFC 3207 §4.2)."""
        step.reply(self.client.starttls(self.dialer.context(), self.dialer.server_name(self.endpoint)), 220)
        self._hello(step)

    def _hello(self, step: Step) -> None:
        client = self.client
        step.reply(client.lhlo() if isinstance(client, LmtpClient) else client.ehlo(), 250)

    def quit(self, step: Step) -> None:
        """QUIT and close."""
        step.reply(self.client.quit(), 221)
        self.end()

    def recover(self) -> None:
        """Abort the transaction in which something was refused; 421 says that the server leaves."""
        if self._client is not None:
            Step().reply(self._client.rset(), 250)


class Pop3Session(ClientSession):
    """A POP3 session."""

    def __init__(self, dialer: Dialer, endpoint: Endpoint) -> None:
        super().__init__(dialer, endpoint)
        self._client: Pop3Client | None = None

    @property
    def raw_client(self) -> Pop3Client | None:
        """The client, if there is a connection."""
        return self._client

    @property
    def client(self) -> Pop3Client:
        """The client of the open connection."""
        assert self._client is not None
        return self._client

    def forget(self) -> None:
        """Let go of the client."""
        self._client = None

    def connect(self, step: Step) -> None:
        """Connect, read the greeting, and go over to TLS where the service has STLS."""
        stream = self.dialer.stream(self.endpoint)
        self._client = Pop3Client(stream, reply_timeout_s=self.dialer.reply_timeout_s)
        step.response(self._client.greeting())
        if self.endpoint.tls is Tls.STARTTLS:
            step.response(self._client.stls(self.dialer.context(), self.dialer.server_name(self.endpoint)))

    def login(self, step: Step, account: Account) -> None:
        """Log in."""
        step.response(self.client.login(account.login, password_of(account)))

    def quit(self, step: Step) -> None:
        """QUIT, which removes what was marked, and close."""
        step.response(self.client.quit())
        self.end()


class ImapSession(ClientSession):
    """An IMAP session."""

    def __init__(self, dialer: Dialer, endpoint: Endpoint) -> None:
        super().__init__(dialer, endpoint)
        self._client: ImapClient | None = None

    @property
    def raw_client(self) -> ImapClient | None:
        """The client, if there is a connection."""
        return self._client

    @property
    def client(self) -> ImapClient:
        """The client of the open connection."""
        assert self._client is not None
        return self._client

    def forget(self) -> None:
        """Let go of the client."""
        self._client = None

    def connect(self, step: Step) -> None:
        """Connect, read the greeting, and go over to TLS where the service has STARTTLS."""
        stream = self.dialer.stream(self.endpoint)
        self._client = ImapClient(stream, reply_timeout_s=self.dialer.reply_timeout_s, lazy=True)
        greeting = self._client.greeting()
        step.octets += len(greeting.octets)
        if greeting.kind.value == "BYE":
            raise Refusal("BYE")
        if self.endpoint.tls is Tls.STARTTLS:
            step.result(self._client.starttls(self.dialer.context(), self.dialer.server_name(self.endpoint)))

    def login(self, step: Step, account: Account) -> None:
        """Log in."""
        step.result(self.client.login(account.login, password_of(account)))

    def logout(self, step: Step) -> None:
        """LOGOUT and close."""
        step.result(self.client.logout())
        self.end()


def password_of(account: Account) -> str:
    """Return the password; a token is of no use to these profiles."""
    if account.password is None:
        raise UsageError(f"{account.address} has no password in the target file, only a token")
    return account.password
