"""Certificates: the configured ones, or a CA of our own that the target file's reader can trust."""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme

from harness.vocabulary.errors import MailproofError, UsageError
from reference_server.config import TlsConfig

_NAMES_FILE = "names.txt"


class CertificateError(MailproofError):
    """Where the server's own certificate should be kept, it cannot; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the listeners present, and what a client verifies it with."""

    context: ssl.SSLContext
    ca_file: Path | None
    """None where the configured certificate is one that the system's store knows."""


def configured(tls: TlsConfig) -> Certificates:
    """Load the user's own files."""
    return Certificates(_context(tls.certificate, tls.key), tls.ca_file)


def self_made(directory: Path, names: Sequence[str]) -> Certificates:
    """Return a certificate for `names` from a CA in `directory`, made when there is none for these names."""
    certificate, key, ca_file = (directory / name for name in ("certificate.pem", "key.pem", "ca.pem"))
    wanted = "\n".join(names)
    names_file = directory / _NAMES_FILE
    try:
        if not (names_file.is_file() and names_file.read_text("utf-8") == wanted):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            authority = trustme.CA(organization_name="mailproof reference server")
            leaf = authority.issue_cert(*names, common_name=names[0])
            _write(ca_file, authority.cert_pem.bytes())
            _write(certificate, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
            _write(key, leaf.private_key_pem.bytes())
            _write(names_file, wanted.encode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CertificateError(
            f"{directory}: no certificate can be kept there ({getattr(error, 'strerror', error)}); "
            "remove it, and a new one is made"
        ) from None
    return Certificates(_context(certificate, key), ca_file)


def names_for(hostname: str, bind: str) -> tuple[str, ...]:
    """Return what a self-made certificate is valid for: the host's name, where it listens, and localhost."""
    names = dict.fromkeys((hostname, "localhost"))
    address = ipaddress.ip_address(bind)
    names.update(dict.fromkeys(("127.0.0.1", "::1") if address.is_unspecified else (str(address),)))
    return tuple(names)


def outgoing_context() -> ssl.SSLContext:
    """Return the context for opportunistic TLS to a next hop.

    The certificate is not verified, on purpose: nobody told us securely which name to expect, and whoever
    could forge it could as well hide STARTTLS. Encryption without authentication still beats clear text
    (RFC 7435 §3, RFC 3207 §4.1).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # RFC 8996 forbids TLS 1.0 and 1.1; renegotiation only serves those who would waste our time.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"tls: {certificate} and {key} cannot be used: {error}; give certificate and key in PEM form"
        ) from None
    return context


def _write(path: Path, octets: bytes) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
