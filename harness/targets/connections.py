"""Opens connections to the target's services: recorded, tampered with if asked, in a known state."""

import inspect
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeGuard, TypeVar

from harness.clients.imap import ImapClient
from harness.clients.lmtp import LmtpClient
from harness.clients.pop3 import Pop3Client
from harness.clients.smtp import SmtpClient
from harness.peers.spoken import SPOKEN
from harness.targets.defences import Answer, Defences, NotServed, TurnedAway, is_transient
from harness.targets.file import Account, Endpoint, TargetFile
from harness.targets.findings import Lacking
from harness.targets.gate import Gate
from harness.targets.pace import Awaited, Pace
from harness.targets.recorder import Recorder, TargetStream
from harness.transport.interpose import InterposerFactory
from harness.transport.interposed import InterposedStream
from harness.transport.stream import ByteStream
from harness.transport.tamper import Script, TamperedStream
from harness.transport.tcp import client_context, connect_tcp, connect_unix
from harness.vocabulary.errors import ConnectFailed, LocalProtocolError
from harness.vocabulary.imap import Condition
from harness.vocabulary.services import Service, Tls
from harness.wire.pop3 import Response

__all__ = ["Connections", "NotServed"]

_MECHANISMS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""In our order of liking, for getting in; what each is worth is for checks to find out."""


class _Closable(Protocol):
    def close(self) -> None: ...


K = TypeVar("K")


class Connections:
    """The connections of one target, within its limits."""

    def __init__(self, file: TargetFile, gate: Gate, recorder: Recorder, release: Callable[[], bool]) -> None:
        self._file = file
        self._gate = gate
        self._recorder = recorder
        self._release = release
        self.defences = Defences(gate, release)
        """What the server does against too many connections and wrong passwords."""
        self._context: ssl.SSLContext | None = None
        self.pace = Pace(file.limits.reply_timeout_s)
        """How fast the server answers."""
        self.refutation: Script | InterposerFactory | None = None
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
        except ConnectFailed as error:
            self._gate.leave()
            raise ConnectFailed(f"{error}{self.defences.why_unreachable()}") from error
        except BaseException:
            self._gate.leave()
            raise
        refutation = None if as_it_is else self.refutation
        if refutation is not None:
            stream = _refuted(stream, refutation, service)
        recorded = TargetStream(
            stream,
            service,
            provisioning=provisioning,
            before_send=self._gate.before_send,
            awaited=Awaited(self.pace, learns=refutation is None),
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
        return self._admitted(
            service, lambda: self._smtp(service, hello=hello, tls=tls, provisioning=provisioning)
        )

    def _smtp(self, service: Service, *, hello: bool, tls: bool | None, provisioning: bool) -> SmtpClient:
        stream = self.stream(service, provisioning=provisioning)
        with _closing_on_error(stream):
            client = SmtpClient(stream, reply_timeout_s=self.reply_timeout_s)
            _demand_greeting(client.greeting().code == 220, stream, client.greeting())
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
        chosen = service
        return self._admitted(
            chosen, lambda: self._submission(account, chosen, tls=tls, provisioning=provisioning)
        )

    def _submission(self, account: Account, service: Service, *, tls: bool, provisioning: bool) -> SmtpClient:
        client = self._smtp(service, hello=True, tls=tls, provisioning=provisioning)
        with _closing_on_error(client):
            offered = client.keywords.get("AUTH", "").upper().split()
            mechanism = next((mechanism for mechanism in _MECHANISMS if mechanism in offered), None)
            if mechanism is None:
                raise NotServed(
                    f"{service} offers no AUTH that we know: {' '.join(offered) or 'none at all'}"
                )
            began = time.monotonic()
            reply = client.authenticate(account.login, _password(account), mechanism)
            self._logged_in(reply.code == 235, service, account, reply, began)
            return client

    def lmtp(self, *, hello: bool = True, provisioning: bool = False) -> LmtpClient:
        """An LMTP connection, greeted and hello'd."""
        return self._admitted(Service.LMTP, lambda: self._lmtp(hello=hello, provisioning=provisioning))

    def _lmtp(self, *, hello: bool, provisioning: bool) -> LmtpClient:
        stream = self.stream(Service.LMTP, provisioning=provisioning)
        with _closing_on_error(stream):
            client = LmtpClient(stream, reply_timeout_s=self.reply_timeout_s)
            _demand_greeting(client.greeting().code == 220, stream, client.greeting())
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
        chosen, who = service, account if login else None
        return self._admitted(
            chosen, lambda: self._pop3(who, chosen, tls=tls, provisioning=provisioning, as_it_is=as_it_is)
        )

    def _pop3(
        self,
        account: Account | None,
        service: Service,
        *,
        tls: bool | None,
        provisioning: bool,
        as_it_is: bool,
    ) -> Pop3Client:
        stream = self.stream(service, provisioning=provisioning, as_it_is=as_it_is)
        with _closing_on_error(stream):
            client = Pop3Client(stream, reply_timeout_s=self.reply_timeout_s)
            _demand_greeting(client.greeting().ok, stream, client.greeting())
            if self._upgrades(service, tls=tls, login=account is not None):
                endpoint = self.endpoint(service)
                response = client.stls(self.context(), self.server_name(endpoint))
                _demand(response.ok, stream, response)
            if account is not None:
                began = time.monotonic()
                response = client.login(account.login, _password(account))
                self._logged_in(response.ok, service, account, response, began)
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
        chosen, who = service, account if login else None
        return self._admitted(
            chosen, lambda: self._imap(who, chosen, tls=tls, provisioning=provisioning, as_it_is=as_it_is)
        )

    def _imap(
        self,
        account: Account | None,
        service: Service,
        *,
        tls: bool | None,
        provisioning: bool,
        as_it_is: bool,
    ) -> ImapClient:
        stream = self.stream(service, provisioning=provisioning, as_it_is=as_it_is)
        with _closing_on_error(stream):
            client = ImapClient(stream, reply_timeout_s=self.reply_timeout_s)
            served = client.greeting().kind in {Condition.OK, Condition.PREAUTH}
            _demand_greeting(served, stream, client.greeting())
            if self._upgrades(service, tls=tls, login=account is not None):
                result = client.starttls(self.context(), self.server_name(self.endpoint(service)))
                _demand(result.ok, stream, result.tagged)
            if account is not None:
                began = time.monotonic()
                result = client.login(account.login, _password(account))
                self._logged_in(result.ok, service, account, result.tagged, began)
            return client

    def _admitted(self, service: Service, connect: Callable[[], K]) -> K:
        """Connect; a server that turns us away for the moment is asked again, unless a refutation does it."""
        return connect() if self.refutation is not None else self.defences.admitted(service, connect)

    def _logged_in(
        self, accepted: bool, service: Service, account: Account, answer: Answer, began: float
    ) -> None:
        """Note a login's success, or raise what its refusal means."""
        if accepted:
            self.defences.logged_in(account.login, time.monotonic() - began)
            return
        refusal = f"{service} refuses the login of {account.login}: {_words(answer)}"
        if is_transient(answer):
            raise TurnedAway(refusal)
        if self.refutation is not None:
            raise NotServed(f"{refusal}; the refutation may have led to it")
        raise NotServed(f"{refusal}; {self.defences.why_refused(account.login)}")

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


def _refuted(stream: ByteStream, refutation: Script | InterposerFactory, service: Service) -> ByteStream:
    """The stream with the refutation in it, where it has to do with the service."""
    if _is_script(refutation):
        return TamperedStream(stream, refutation.open())
    if _is_interposer_factory(refutation):
        interposer = refutation.open(SPOKEN[service])
        return stream if interposer is None else InterposedStream(stream, interposer)
    return stream


def _is_script(refutation: Script | InterposerFactory) -> TypeGuard[Script]:
    """Whether it is opened with nothing; an interposer factory wants to know which protocol is spoken."""
    return not inspect.signature(refutation.open).parameters


def _is_interposer_factory(refutation: Script | InterposerFactory) -> TypeGuard[InterposerFactory]:
    return not _is_script(refutation)


def _demand(good: bool, stream: ByteStream, answer: Answer) -> None:
    """Refuse to go on with a server that refuses what every client has to do first."""
    if not good:
        kind = TurnedAway if is_transient(answer) else NotServed
        raise kind(f"{stream.peer} refuses to serve: {_words(answer)}")


def _demand_greeting(good: bool, stream: ByteStream, answer: Answer) -> None:
    """Refuse to go on where there is no welcome; for POP3 that is always of the moment."""
    if not good and isinstance(answer, Response):
        raise TurnedAway(f"{stream.peer} refuses to serve: {_words(answer)}")
    _demand(good, stream, answer)


def _words(answer: Answer) -> str:
    return answer.octets.decode(errors="replace").strip()


def _password(account: Account) -> str:
    if account.password is None:
        raise Lacking(f"{account.address} has no password in the target file, only a token")
    return account.password


@contextmanager
def _closing_on_error(closable: _Closable) -> Iterator[None]:
    """Close what was opened if it cannot be handed over."""
    try:
        yield
    except BaseException:
        closable.close()
        raise
