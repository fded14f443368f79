"""Probing: facts from a live server, the look at a certificate, and the target file that comes of it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from harness.targets.certificates import look, read_certificate
from harness.targets.embedded import embedded_target
from harness.targets.file import Endpoint, TargetFile
from harness.targets.loader import load_target
from harness.targets.probe import Prober, ServiceFacts, endpoints_of, target_text
from harness.transport.tcp import SocketStream, connect_tcp
from harness.vocabulary.services import HIGH_PORTS, Service, Tls


@pytest.fixture(scope="module")
def file() -> Iterator[TargetFile]:
    with embedded_target(accounts=1, outbound=False) as file:
        yield file


def test_a_live_server_is_described(file: TargetFile) -> None:
    prober = Prober.trusting(file.trust.ca_file, 5.0, file.trust.server_name)
    found = {facts.endpoint.service: facts for facts in prober.probe_all(file.endpoints)}
    assert set(found) == set(Service)
    for facts in found.values():
        assert facts.answers
        assert facts.problem is None
        assert facts.offers
        assert facts.tls is not None
        assert facts.tls.problem is None
        assert "TLS 1.3" in facts.tls.versions
        assert facts.tls.certificate is not None
        assert file.trust.server_name in facts.tls.certificate.names
        assert (facts.offers_under_tls is None) == (facts.endpoint.tls is Tls.IMPLICIT)
    assert found[Service.SMTP].greeting.startswith("220 ")
    assert found[Service.IMAP].greeting.startswith("* OK")
    assert "AUTH" in (found[Service.SUBMISSION].offers_under_tls or {})
    assert "STLS" in (found[Service.POP3].offers or {})
    assert "STLS" not in (found[Service.POP3].offers_under_tls or {})


def test_a_certificate_that_does_not_verify_is_shown_with_the_reason(file: TargetFile) -> None:
    prober = Prober.trusting(None, 5.0, file.trust.server_name)
    for service in (Service.SMTP, Service.IMAPS):
        endpoint = file.endpoint(service)
        assert endpoint is not None
        facts = prober.probe(endpoint)
        assert facts.answers
        assert facts.offers_under_tls is None
        assert facts.tls is not None
        assert facts.tls.certificate is not None
        assert facts.tls.problem is not None
        assert "does not verify" in facts.tls.problem


def test_nobody_at_home() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        endpoint = Endpoint(Service.SMTP, Tls.NONE, "127.0.0.1", holder.getsockname()[1])
        facts = Prober.trusting(None, 1.0).probe(endpoint)
    assert not facts.answers
    assert "connection refused" in (facts.problem or "")


def test_garbage_is_a_fact_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        endpoint = Endpoint(Service.SMTP, Tls.NONE, "127.0.0.1", listener.getsockname()[1])
        facts = Prober.trusting(None, 2.0).probe(endpoint)
        thread.join()
    assert facts.answers
    assert facts.offers is None
    assert "HTTP/1.1" in (facts.problem or "")


def test_only_the_versions_that_are_spoken_are_listed() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("mail.test").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            for _ in range(5):
                connection, _ = listener.accept()
                try:
                    with context.wrap_socket(connection, server_side=True) as under_tls:
                        under_tls.recv(1)
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()

        def reach() -> SocketStream:
            return connect_tcp("127.0.0.1", port, 5.0)

        facts = look(reach, trusting, "mail.test")
        thread.join()
    assert facts.versions == ("TLS 1.2",)
    assert facts.problem is None
    assert facts.certificate is not None
    assert facts.certificate.names == ("mail.test",)


def test_a_certificate_without_names_is_read() -> None:
    authority = trustme.CA()
    der = ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())
    assert read_certificate(der).names == ()
    named = authority.issue_cert("a.test", "127.0.0.1", common_name="Common")
    facts = read_certificate(ssl.PEM_cert_to_DER_cert(named.cert_chain_pems[0].bytes().decode()))
    assert (facts.subject, facts.names) == ("Common", ("a.test", "127.0.0.1"))


def test_what_answers_becomes_a_target_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_PASSWORD", "a")
    monkeypatch.setenv("BOB_PASSWORD", "b")
    endpoints = endpoints_of("::1", HIGH_PORTS)
    found = [
        ServiceFacts(endpoint, answers=endpoint.service is not Service.LMTP, offers={"SIZE": "4096"})
        for endpoint in endpoints
    ]
    file = tmp_path / "target.toml"
    file.write_text(target_text("::1", found, ca_file=None, server_name=None))
    target = load_target(file)
    assert [endpoint.service for endpoint in target.endpoints] == [
        service for service in Service if service is not Service.LMTP
    ]
    smtp = target.endpoint(Service.SMTP)
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.tls) == ("::1", 2525, Tls.NONE)
    assert target.limits.max_message_octets == 4096
    assert target.accounts.domain == "example.test"


def test_a_strangers_target_file_permits_nothing_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_PASSWORD", "a")
    monkeypatch.setenv("BOB_PASSWORD", "b")
    facts = ServiceFacts(Endpoint(Service.SMTP, Tls.STARTTLS, "mail.example.org", 25), answers=True)
    file = tmp_path / "target.toml"
    file.write_text(target_text("mail.example.org", [facts], ca_file=None, server_name=None))
    target = load_target(file)
    assert target.permits == frozenset()
    assert target.accounts.domain == "mail.example.org"
