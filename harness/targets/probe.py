"""What a mail server offers on each of its ports, found by asking; nobody logs in."""

import socket
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import tomli_w

from harness.clients.imap import ImapClient
from harness.clients.lmtp import LmtpClient
from harness.clients.pop3 import Pop3Client
from harness.clients.smtp import SmtpClient
from harness.targets.certificates import TlsFacts, look
from harness.targets.file import Endpoint
from harness.targets.loader import SCHEMA, is_loopback
from harness.transport.tcp import SocketStream, client_context, connect_tcp, connect_unix
from harness.vocabulary.errors import ConnectFailed, MailproofError, RemoteProtocolError, TransportError
from harness.vocabulary.services import DEFAULT_TLS, Service, Tls

_UPGRADE = {
    "STARTTLS": frozenset({Service.SMTP, Service.SUBMISSION, Service.LMTP, Service.IMAP}),
    "STLS": frozenset({Service.POP3}),
}
"""The capability that announces the way to TLS, by protocol."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What one service said."""

    endpoint: Endpoint
    answers: bool
    problem: str | None = None
    """Why it does not answer, or what went wrong on the way."""
    greeting: str = ""
    offers: Mapping[str, str] | None = None
    """Keywords, tags or capabilities with their parameters, before TLS (after it where TLS is implicit)."""
    offers_under_tls: Mapping[str, str] | None = None
    """The same after STARTTLS; None where there is none, or the certificate does not verify."""
    tls: TlsFacts | None = None


def endpoints_of(host: str, ports: Mapping[Service, int]) -> tuple[Endpoint, ...]:
    """All services at their usual ports of one host."""
    return tuple(Endpoint(service, DEFAULT_TLS[service], host, port) for service, port in ports.items())


@dataclass(frozen=True, slots=True)
class Prober:
    """Asks services one by one; verifies with `context`, for `server_name` or else the host's own name."""

    context: ssl.SSLContext
    timeout_s: float
    server_name: str | None = None

    @classmethod
    def trusting(cls, ca_file: Path | None, timeout_s: float, server_name: str | None = None) -> "Prober":
        """A prober that trusts a CA, or the system's."""
        return cls(client_context(ca_file), timeout_s, server_name)

    def probe_all(self, endpoints: Iterable[Endpoint]) -> list[ServiceFacts]:
        """Ask all at once, as a filtered port takes the whole time-out."""
        endpoints = list(endpoints)
        with ThreadPoolExecutor(max_workers=max(1, len(endpoints))) as pool:
            return list(pool.map(self.probe, endpoints))

    def probe(self, endpoint: Endpoint) -> ServiceFacts:
        """Ask one service what it offers."""
        try:
            self._connect(endpoint).close()
        except ConnectFailed as error:
            return ServiceFacts(endpoint, answers=False, problem=str(error))
        facts = ServiceFacts(endpoint, answers=True)
        if endpoint.tls is Tls.IMPLICIT:
            facts = replace(facts, tls=self._look(endpoint))
            if facts.tls is not None and facts.tls.problem is not None:
                return replace(facts, problem=facts.tls.problem)
        facts = self._ask(facts, upgrade=False)
        if (
            facts.offers is not None
            and endpoint.tls is not Tls.IMPLICIT
            and _upgrades(endpoint, facts.offers)
        ):
            facts = replace(facts, tls=self._look(endpoint))
            if facts.tls is not None and facts.tls.problem is None:
                facts = self._ask(facts, upgrade=True)
        return facts

    def _ask(self, facts: ServiceFacts, *, upgrade: bool) -> ServiceFacts:
        """Have one dialogue; what goes wrong in it is part of the facts."""
        endpoint = facts.endpoint
        try:
            stream = self._connect(endpoint)
            try:
                if endpoint.tls is Tls.IMPLICIT:
                    stream.start_tls(self.context, self._name(endpoint))
                greeting, offers = self._dialogue(endpoint, stream, upgrade=upgrade)
            finally:
                stream.close()
        except (TransportError, RemoteProtocolError) as error:
            return replace(facts, problem=str(error))
        if upgrade:
            return replace(facts, offers_under_tls=offers)
        return replace(facts, greeting=greeting, offers=offers)

    def _dialogue(
        self, endpoint: Endpoint, stream: SocketStream, *, upgrade: bool
    ) -> tuple[str, Mapping[str, str]]:
        match endpoint.service:
            case Service.LMTP:
                return self._ask_lmtp(
                    endpoint, LmtpClient(stream, reply_timeout_s=self.timeout_s), upgrade=upgrade
                )
            case Service.SMTP | Service.SUBMISSION | Service.SUBMISSIONS:
                return self._ask_smtp(
                    endpoint, SmtpClient(stream, reply_timeout_s=self.timeout_s), upgrade=upgrade
                )
            case Service.POP3 | Service.POP3S:
                return self._ask_pop3(
                    endpoint, Pop3Client(stream, reply_timeout_s=self.timeout_s), upgrade=upgrade
                )
            case Service.IMAP | Service.IMAPS:
                return self._ask_imap(
                    endpoint, ImapClient(stream, reply_timeout_s=self.timeout_s), upgrade=upgrade
                )

    def _ask_smtp(
        self, endpoint: Endpoint, client: SmtpClient, *, upgrade: bool
    ) -> tuple[str, Mapping[str, str]]:
        greeting = _line(client.greeting().octets)
        client.ehlo()
        if upgrade:
            client.starttls(self.context, self._name(endpoint))
            client.ehlo()
        keywords = dict(client.keywords)
        client.quit()
        return greeting, keywords

    def _ask_lmtp(
        self, endpoint: Endpoint, client: LmtpClient, *, upgrade: bool
    ) -> tuple[str, Mapping[str, str]]:
        greeting = _line(client.greeting().octets)
        client.lhlo()
        if upgrade:
            client.starttls(self.context, self._name(endpoint))
            client.lhlo()
        keywords = dict(client.keywords)
        client.quit()
        return greeting, keywords

    def _ask_pop3(
        self, endpoint: Endpoint, client: Pop3Client, *, upgrade: bool
    ) -> tuple[str, Mapping[str, str]]:
        greeting = _line(client.greeting().octets)
        if upgrade:
            client.stls(self.context, self._name(endpoint))
        client.capa()
        capabilities = dict(client.capabilities)
        client.quit()
        return greeting, capabilities

    def _ask_imap(
        self, endpoint: Endpoint, client: ImapClient, *, upgrade: bool
    ) -> tuple[str, Mapping[str, str]]:
        greeting = _line(client.greeting().octets)
        if upgrade:
            client.starttls(self.context, self._name(endpoint))
        client.capability()
        capabilities = dict.fromkeys(sorted(client.capabilities), "")
        client.logout()
        return greeting, capabilities

    def _connect(self, endpoint: Endpoint) -> SocketStream:
        if endpoint.path is not None:
            return connect_unix(endpoint.path, self.timeout_s, send_timeout_s=self.timeout_s)
        return connect_tcp(endpoint.host, endpoint.port, self.timeout_s, send_timeout_s=self.timeout_s)

    def _name(self, endpoint: Endpoint) -> str:
        return self.server_name or endpoint.host or "localhost"

    def _look(self, endpoint: Endpoint) -> TlsFacts | None:
        try:
            return look(lambda: self._reach_tls(endpoint), self.context, self._name(endpoint))
        except MailproofError as error:
            return TlsFacts(problem=str(error))

    def _reach_tls(self, endpoint: Endpoint) -> SocketStream:
        """Connect and go up to the point where the TLS handshake begins."""
        stream = self._connect(endpoint)
        try:
            if endpoint.tls is not Tls.IMPLICIT:
                self._ask_for_tls(endpoint, stream)
        except BaseException:
            stream.close()
            raise
        return stream

    def _ask_for_tls(self, endpoint: Endpoint, stream: SocketStream) -> None:
        """Say STARTTLS in the protocol's way, and leave the handshake to the caller."""
        match endpoint.service:
            case Service.POP3:
                pop3 = Pop3Client(stream, reply_timeout_s=self.timeout_s)
                pop3.greeting()
                agreed = pop3.command("STLS").ok
            case Service.IMAP:
                agreed = ImapClient(stream, reply_timeout_s=self.timeout_s).command(b"STARTTLS").ok
            case Service.LMTP:
                lmtp = LmtpClient(stream, reply_timeout_s=self.timeout_s)
                lmtp.greeting()
                lmtp.lhlo()
                agreed = lmtp.command("STARTTLS").code == 220
            case _:
                smtp = SmtpClient(stream, reply_timeout_s=self.timeout_s)
                smtp.greeting()
                smtp.ehlo()
                agreed = smtp.command("STARTTLS").code == 220
        if not agreed:
            raise TransportError(f"{stream.peer} offers TLS and refuses to start it")


def _upgrades(endpoint: Endpoint, offers: Mapping[str, str]) -> bool:
    return any(endpoint.service in services and word in offers for word, services in _UPGRADE.items())


def _line(octets: bytes) -> str:
    """The first line of an answer, for display."""
    return octets.split(b"\r\n", 1)[0].decode("ascii", "backslashreplace")


def target_text(
    name: str,
    found: Iterable[ServiceFacts],
    *,
    domain: str | None = None,
    ca_file: Path | None = None,
    server_name: str | None = None,
) -> str:
    """A target file of what answered, to be completed with accounts (in `domain`, or else the host's own)."""
    services: dict[str, dict[str, object]] = {}
    answering = [facts for facts in found if facts.answers]
    for facts in answering:
        endpoint = facts.endpoint
        starts = facts.tls is not None and endpoint.tls is not Tls.IMPLICIT
        tls = Tls.STARTTLS if starts else Tls.IMPLICIT if endpoint.tls is Tls.IMPLICIT else Tls.NONE
        where: dict[str, object] = (
            {"path": str(endpoint.path)} if endpoint.path else {"host": endpoint.host, "port": endpoint.port}
        )
        services[endpoint.service.value] = {**where, "tls": tls.value}
    local = all(is_loopback(facts.endpoint) for facts in answering)
    document: dict[str, object] = {
        "schema": SCHEMA,
        "name": name,
        "permits": ["conformance", "hostile-input", "load"] if local else [],
        "service": services,
    }
    trust = {"ca_file": str(ca_file.absolute()) if ca_file else None, "server_name": server_name}
    if any(trust.values()):
        document["trust"] = {key: value for key, value in trust.items() if value}
    domain = domain or next((host for host in _hosts(answering) if _is_name(host)), "example.test")
    document["accounts"] = {
        "domain": domain,
        "pool": [
            {"address": f"{who}@{domain}", "login": who, "password_env": f"{who.upper()}_PASSWORD"}
            for who in ("alice", "bob")
        ],
    }
    sizes = [
        facts.offers["SIZE"] for facts in answering if facts.offers and facts.offers.get("SIZE", "").isdigit()
    ]
    if limits := [int(size) for size in sizes if int(size) > 0]:
        document["limits"] = {"max_message_octets": min(limits)}
    return (
        "# Written by `mailproof probe`. To be completed: who the checks may be ([accounts]), and what the\n"
        "# server's owner allows (permits; what is not named there is never run).\n" + tomli_w.dumps(document)
    )


def _hosts(found: Iterable[ServiceFacts]) -> Iterable[str]:
    return (facts.endpoint.host for facts in found)


def _is_name(host: str) -> bool:
    """Whether it is a domain name rather than an address."""
    if ":" in host or "." not in host:
        return False
    try:
        socket.inet_aton(host)
    except OSError:
        return True
    return False
