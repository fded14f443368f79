"""Opens connections to the target's services: recorded, tampered with if asked, in a known state."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from harness.clients.imap import ImapClient
from harness.clients.lmtp import LmtpClient
from harness.clients.pop3 import Pop3Client
from harness.clients.smtp import SmtpClient
from harness.targets.file import Account, Endpoint, TargetFile
from harness.targets.gate import Gate
from harness.targets.recorder import Recorder, TargetStream
from harness.transport.stream import ByteStream
from harness.transport.tamper import Script, TamperedStream
from harness.transport.tcp import client_context, connect_tcp, connect_unix
from harness.vocabulary.errors import LocalProtocolError, MailproofError
from harness.vocabulary.imap import Condition
from harness.vocabulary.services import Service, Tls

_MECHANISMS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""In our order of liking, for getting in; what each is worth is for checks to find out."""


class NotServed(MailproofError):
    """A service answers, but refuses what every client has to do first: to greet, say hello, log in."""


class _Closable(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class Connections:
    """The connections of one target, within its limits."""

    def __init__(self, file: TargetFile, gate: Gate, recorder: Recorder, release: Callable[[], bool]) -> None:
        self._file = file
        self._gate = gate
        self._recorder = recorder
        self._release = release
        self._context: ssl.SSLContext | None = None
        self.refutation: Script | None = None
        """What sits in every connection that is opened from now on."""

    @property
    def reply_timeout_s(self) -> float:
        """How long a reply is waited for."""
        return self._file.limits.reply_timeout_s

    # Streams

    def stream(self, service: Service, *, provisioning: bool = False, as_it_is: bool = False) -> TargetStream:
        """Connect, with TLS where it is implicit; nothing has been read yet.

        `provisioning` marks a connection of the harness's own; `as_it_is` leaves the refutation out, for
        cleaning up.
        """
        endpoint = self.endpoint(service)
        self._gate.enter(self._release)
        try:
            stream = self._connect(endpoint)
        except BaseException:
            self._gate.leave()
            raise
        if self.refutation is not None and not as_it_is:
            stream = TamperedStream(stream, self.refutation.open())
        recorded = TargetStream(
            stream,
            service,
            provisioning=provisioning,
            before_send=self._gate.before_send,
            closed=self._closed,
        )
        self._recorder.opened(recorded)
        if endpoint.tls is Tls.IMPLICIT:
            with _closing_on_error(recorded):
                recorded.start_tls(self.context(), self.server_name(endpoint))
        return recorded

    def _connect(self, endpoint: Endpoint) -> ByteStream:
        if endpoint.path is not None:
            return connect_unix(endpoint.path, self.reply_timeout_s)
        return connect_tcp(endpoint.host, endpoint.port, self.reply_timeout_s)

    def _closed(self, stream: TargetStream) -> None:
        self._gate.leave()
        self._recorder.closed(stream)

    def endpoint(self, service: Service) -> Endpoint:
        """Where the service listens; checks ask only for what they declared as a need."""
        endpoint = self._file.endpoint(service)
        if endpoint is None:
            raise LocalProtocolError(
                f"{self._file.name} has no {service}: the check must name it among its needs"
            )
        return endpoint

    def context(self) -> ssl.SSLContext:
        """How certificates are verified: always, against the file's CA or the system's store."""
        if self._context is None:
            self._context = client_context(self._file.trust.ca_file)
        return self._context

    def server_name(self, endpoint: Endpoint) -> str:
        """The name that the certificate must be for."""
        return self._file.trust.server_name or endpoint.host or "localhost"

    # Clients

    def smtp(
        self,
        service: Service = Service.SMTP,
        *,
        hello: bool = True,
        tls: bool | None = None,
        provisioning: bool = False,
    ) -> SmtpClient:
        """An SMTP connection, greeted and hello'd; in clear unless TLS is implicit or asked for."""
        stream = self.stream(service, provisioning=provisioning)
        with _closing_on_error(stream):
            client = SmtpClient(stream, reply_timeout_s=self.reply_timeout_s)
            _demand(client.greeting().code == 220, stream, client.greeting())
            if hello or tls:
                self._hello(client)
            if tls and self.endpoint(service).tls is Tls.STARTTLS:
                self._start_tls(client, service)
                if hello:
                    self._hello(client)
            return client

    def submission(
        self,
        account: Account,
        *,
        tls: bool = True,
        service: Service | None = None,
        provisioning: bool = False,
    ) -> SmtpClient:
        """An authenticated connection for submission."""
        if service is None:
            service = self.first_of(Service.SUBMISSION, Service.SUBMISSIONS)
        client = self.smtp(service, tls=tls, provisioning=provisioning)
        with _closing_on_error(client):
            offered = client.keywords.get("AUTH", "").upper().split()
            mechanism = next((mechanism for mechanism in _MECHANISMS if mechanism in offered), None)
            if mechanism is None:
                raise NotServed(
                    f"{service} offers no AUTH that we know: {' '.join(offered) or 'none at all'}"
                )
            reply = client.authenticate(account.login, _password(account), mechanism)
            if reply.code != 235:
                raise _login_refused(service, account, reply)
            return client

    def lmtp(self, *, hello: bool = True, provisioning: bool = False) -> LmtpClient:
        """An LMTP connection, greeted and hello'd."""
        stream = self.stream(Service.LMTP, provisioning=provisioning)
        with _closing_on_error(stream):
            client = LmtpClient(stream, reply_timeout_s=self.reply_timeout_s)
            _demand(client.greeting().code == 220, stream, client.greeting())
            if hello:
                reply = client.lhlo()
                _demand(reply.code == 250, stream, reply)
            return client

    def pop3(
        self,
        account: Account | None = None,
        *,
        login: bool = True,
        tls: bool | None = None,
        service: Service | None = None,
        provisioning: bool = False,
        as_it_is: bool = False,
    ) -> Pop3Client:
        """A POP3 connection, greeted; logged in as `account`, under TLS unless told otherwise."""
        if service is None:
            service = self.first_of(Service.POP3, Service.POP3S)
        login = login and account is not None
        stream = self.stream(service, provisioning=provisioning, as_it_is=as_it_is)
        with _closing_on_error(stream):
            client = Pop3Client(stream, reply_timeout_s=self.reply_timeout_s)
            _demand(client.greeting().ok, stream, client.greeting())
            if self._upgrades(service, tls=tls, login=login):
                endpoint = self.endpoint(service)
                response = client.stls(self.context(), self.server_name(endpoint))
                _demand(response.ok, stream, response)
            if login and account is not None:
                response = client.login(account.login, _password(account))
                if not response.ok:
                    raise _login_refused(service, account, response)
            return client

    def imap(
        self,
        account: Account | None = None,
        *,
        login: bool = True,
        tls: bool | None = None,
        service: Service | None = None,
        provisioning: bool = False,
        as_it_is: bool = False,
    ) -> ImapClient:
        """An IMAP connection, greeted; logged in as `account`, under TLS unless told otherwise."""
        if service is None:
            service = self.first_of(Service.IMAP, Service.IMAPS)
        login = login and account is not None
        stream = self.stream(service, provisioning=provisioning, as_it_is=as_it_is)
        with _closing_on_error(stream):
            client = ImapClient(stream, reply_timeout_s=self.reply_timeout_s)
            _demand(client.greeting().kind in {Condition.OK, Condition.PREAUTH}, stream, client.greeting())
            if self._upgrades(service, tls=tls, login=login):
                result = client.starttls(self.context(), self.server_name(self.endpoint(service)))
                _demand(result.ok, stream, result.tagged)
            if login and account is not None:
                result = client.login(account.login, _password(account))
                if not result.ok:
                    raise _login_refused(service, account, result.tagged)
            return client

    def first_of(self, *services: Service) -> Service:
        """The first of these that the target has; the first one for the message if it has none."""
        return next(
            (service for service in services if self._file.endpoint(service) is not None), services[0]
        )

    def _upgrades(self, service: Service, *, tls: bool | None, login: bool) -> bool:
        """Whether to ask for TLS: as told, else before a password."""
        return self.endpoint(service).tls is Tls.STARTTLS and (login if tls is None else tls)

    def _hello(self, client: SmtpClient) -> None:
        reply = client.ehlo()
        if reply.code in {500, 502}:  # RFC 5321 §3.2: an old server; HELO must do
            reply = client.helo()
        _demand(reply.code == 250, client.stream, reply)

    def _start_tls(self, client: SmtpClient, service: Service) -> None:
        reply = client.starttls(self.context(), self.server_name(self.endpoint(service)))
        _demand(reply.code == 220, client.stream, reply)


class _Answer(Protocol):
    @property
    def octets(self) -> bytes: ...


def _demand(good: bool, stream: ByteStream, answer: _Answer) -> None:
    """Refuse to go on with a server that refuses what every client has to do first."""
    if not good:
        raise NotServed(f"{stream.peer} refuses to serve: {_words(answer)}")


def _words(answer: _Answer) -> str:
    return answer.octets.decode(errors="replace").strip()


def _login_refused(service: Service, account: Account, answer: _Answer) -> NotServed:
    return NotServed(
        f"{service} refuses the login of {account.login}: {_words(answer)}; "
        f"is the password in the target file's [accounts] right?"
    )


def _password(account: Account) -> str:
    if account.password is None:
        raise NotServed(f"{account.address} has no password in the target file, only a token")
    return account.password


@contextmanager
def _closing_on_error(closable: _Closable) -> Iterator[None]:
    """Close what was opened if it cannot be handed over."""
    try:
        yield
    except BaseException:
        closable.close()
        raise
