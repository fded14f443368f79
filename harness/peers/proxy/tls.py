"""What it takes to stand in the middle of TLS: a certificate of one's own, and trust in the server's."""

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import trustme

from harness.vocabulary.errors import UsageError


@dataclass(frozen=True, slots=True)
class ProxyTls:
    """How the proxy treats TLS."""

    for_clients: ssl.SSLContext
    """With the certificate that is shown to clients."""
    for_server: ssl.SSLContext
    """How the server's certificate is verified."""
    server_name: str = "localhost"
    """The name that the server's certificate must be for."""
    terminates: bool = True
    """Whether TLS ends here and begins anew; else what is under it passes unread."""


def issued(names: Iterable[str], ca_file: Path | None = None) -> ssl.SSLContext:
    """A certificate for these names and addresses, of a CA made for it, whose own goes into `ca_file`."""
    authority = trustme.CA(organization_name="mailproof", organization_unit_name="fault proxy")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_certifiable(names)).configure_cert(context)
    if ca_file is not None:
        authority.cert_pem.write_to_path(str(ca_file))
    return context


def _certifiable(names: Iterable[str]) -> list[str]:
    """Each name once, and an address that means all addresses of this machine not at all."""
    kept = []
    for name in dict.fromkeys(names):
        try:
            if not ipaddress.ip_address(name.partition("%")[0]).is_unspecified:
                kept.append(str(ipaddress.ip_address(name.partition("%")[0])))
        except ValueError:
            kept.append(name)
    return kept


def from_files(certificate: Path, key: Path) -> ssl.SSLContext:
    """A certificate of the user's own; raises `UsageError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        reason = (getattr(error, "reason", None) or error.strerror or str(error)).lower().replace("_", " ")
        raise UsageError(f"--tls-cert {certificate} with --tls-key {key}: {reason}; give PEM files") from None
    return context
