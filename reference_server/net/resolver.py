"""MX and address look-ups with dnspython's asynchronous resolver."""

from collections.abc import Sequence
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from reference_server.defects import NONE, Defects
from reference_server.relay.routing import LookupFailed, MxRecord, NoSuchName

_MAX_CNAMES = 8


class DnsResolver:
    """Asks one configured server, or the system's; nothing is cached, so that tests see every change."""

    def __init__(self, server: tuple[str, int] | None, *, timeout_s: float, defects: Defects = NONE) -> None:
        self._timeout_s = timeout_s
        self._defects = defects
        self._server = server
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def mx(self, domain: str) -> Sequence[MxRecord]:
        """Return the MX records, CNAMEs followed (RFC 5321 §5.1)."""
        answer = await self._ask(domain, dns.rdatatype.MX)
        return [
            MxRecord(record.preference, record.exchange.to_text(omit_final_dot=True).rstrip(".").lower())
            for record in answer
        ]

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the IPv4 and the IPv6 addresses; one family that fails does not spoil the other."""
        found: list[str] = []
        failure: LookupFailed | None = None
        for kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
            try:
                found += [record.address for record in await self._ask(host, kind)]
            except LookupFailed as error:
                failure = error
        if not found and failure is not None:
            raise failure
        return found

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> Sequence[Any]:
        """Return the records; a CNAME whose target is not in the answer is asked for by itself."""
        try:
            asked = dns.name.from_text(name)
            for _ in range(_MAX_CNAMES):
                answer = await self._system_or_configured().resolve(
                    asked, kind, raise_on_no_answer=False, lifetime=self._timeout_s, search=False
                )
                if answer.canonical_name != asked and "relay-cname-ignored" in self._defects:
                    return ()
                if answer.rrset is not None:
                    return list(answer.rrset)
                if answer.canonical_name == asked:
                    return ()
                asked = answer.canonical_name
        except dns.resolver.NXDOMAIN:
            raise NoSuchName(name) from None
        except dns.exception.DNSException as error:
            # Time-outs, SERVFAIL from every server, broken answers, CNAME loops.
            raise LookupFailed(f"{type(error).__name__}: {error}") from None
        raise LookupFailed("too many CNAMEs")

    def _system_or_configured(self) -> dns.asyncresolver.Resolver:
        """Make the resolver at its first use: a server that relays nothing needs no resolv.conf."""
        if self._resolver is None:
            made = dns.asyncresolver.Resolver(configure=self._server is None)
            if self._server is not None:
                made.nameservers = [self._server[0]]
                made.port = self._server[1]
            made.retry_servfail = False
            self._resolver = made
        return self._resolver
