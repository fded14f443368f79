"""A look at what a service shows under TLS: versions, certificate, and whether it verifies.

To show a certificate that does not verify, one look is taken without verification. Nothing is said on that
connection beyond what asks for TLS, and it is closed at once: no credentials ever pass there.
"""

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from harness.transport.stream import ByteStream
from harness.transport.tcp import SocketStream
from harness.vocabulary.errors import MailproofError, TlsFailed

TLS_VERSIONS = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says of itself."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """The subject alternative names."""
    expires: datetime


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a service shows under TLS."""

    versions: tuple[str, ...] = ()
    """The versions that a handshake succeeds with, of those that our own library can speak."""
    certificate: CertificateFacts | None = None
    problem: str | None = None
    """Why the certificate does not verify, or TLS does not come about; None if all is well."""


def look(reach_tls: Callable[[], SocketStream], context: ssl.SSLContext, server_name: str) -> TlsFacts:
    """Look at the TLS of a service; `reach_tls` connects, up to where the handshake begins."""
    problem = None
    try:
        _handshake(reach_tls(), context, server_name)
    except TlsFailed as error:
        problem = str(error)
    versions = []
    certificate = None
    for version in TLS_VERSIONS:
        try:
            shown = _handshake(reach_tls(), _unverified(version), server_name)
        except MailproofError:
            continue
        versions.append(
            version.name.replace("_", ".").replace("TLSv1.", "TLS 1.").replace("TLSv1", "TLS 1.0")
        )
        certificate = shown or certificate
    return TlsFacts(tuple(versions), None if certificate is None else read_certificate(certificate), problem)


def _handshake(stream: SocketStream, context: ssl.SSLContext, server_name: str) -> bytes | None:
    """Shake hands and close; the certificate shown."""
    with _closing(stream):
        stream.start_tls(context, server_name)
        return stream.certificate


@contextmanager
def _closing(stream: ByteStream) -> Iterator[None]:
    try:
        yield
    finally:
        stream.close()


def _unverified(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A context that takes any certificate, for looking at it; speaks one version of TLS only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # What RFC 8996 has retired is tried only to see whether the server still does.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = version
        context.maximum_version = version
    return context


def read_certificate(der: bytes) -> CertificateFacts:
    """Read the facts out of a certificate."""
    certificate = x509.load_der_x509_certificate(der)
    return CertificateFacts(
        _name(certificate.subject),
        _name(certificate.issuer),
        _alternatives(certificate),
        certificate.not_valid_after_utc,
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "(empty)"


def _alternatives(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in extension.value)
