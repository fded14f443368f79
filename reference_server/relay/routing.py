"""Where mail for a domain goes: RFC 5321 §5.1, null MX (RFC 7505), and the codes of RFC 7504.

The resolver is a port; `reference_server.net.resolver` asks the DNS, tests use a dictionary.
"""

import ipaddress
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from reference_server.codec.smtp.labels import a_labels
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects

MAX_HOSTS = 20
"""No more hosts of a domain than this are tried in one attempt (a hundred MX records are an attack)."""


class NoSuchName(Exception):
    """The name does not exist (NXDOMAIN): nothing will change that soon."""


class LookupFailed(Exception):
    """The DNS did not answer (SERVFAIL, time-out, a CNAME loop): to be tried again."""


@dataclass(frozen=True, slots=True)
class MxRecord:
    """An MX record; the exchange without its last dot, empty for the root."""

    preference: int
    exchange: str


class Resolver(Protocol):
    """What routing asks of the DNS; CNAMEs are followed by it."""

    async def mx(self, domain: str) -> Sequence[MxRecord]:
        """Return the MX records, empty where the name has none; `NoSuchName` or `LookupFailed`."""
        ...

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the IP addresses, empty where the name has none; `NoSuchName` or `LookupFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Hop:
    """One address of a host that takes a domain's mail."""

    host: str
    address: str


@dataclass(frozen=True, slots=True)
class Unroutable:
    """There is nowhere to go, now (4yz) or at all (5yz)."""

    reply: Reply


def _unroutable(code: int, enhanced: str, text: str) -> Unroutable:
    return Unroutable(Reply(code, enhanced, (text,)))


class Router:
    """Finds the hops of a domain, in the order in which they are to be tried."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        own_names: Collection[str],
        own_addresses: Collection[str],
        defects: Defects,
        random_source: random.Random,
    ) -> None:
        self._resolver = resolver
        self._own_names = frozenset(name.lower() for name in own_names)
        self._own_addresses = frozenset(own_addresses)
        """Addresses at which a connection to the relay's port would reach this server."""
        self._defects = defects
        self._random = random_source

    async def route(self, domain: str) -> "tuple[Hop, ...] | Unroutable":
        """Return the hops for a domain or an address literal."""
        if domain.startswith("["):
            return self._literal_hop(domain)
        # RFC 6531 §3.2: the DNS knows A-labels only.
        domain = a_labels(domain)
        try:
            records = list(await self._resolver.mx(domain))
        except NoSuchName:
            return _unroutable(550, "5.1.2", f"the domain {domain} does not exist")
        except LookupFailed as error:
            if "relay-servfail-is-final" in self._defects:
                return _unroutable(550, "5.4.3", f"cannot look up {domain}: {error}")
            return _unroutable(451, "4.4.3", f"cannot look up {domain}: {error}")
        return await self._hops_by(records, domain)

    async def _hops_by(self, records: list[MxRecord], domain: str) -> "tuple[Hop, ...] | Unroutable":
        """Read the MX records: none, a null MX, or hosts by preference."""
        if not records:
            if "relay-no-implicit-mx" in self._defects:
                return _unroutable(550, "5.4.4", f"{domain} has no mail exchanger")
            # RFC 5321 §5.1: without any MX record, the domain itself at preference 0.
            return await self._hops_of([MxRecord(0, domain)], domain)
        if all(record.exchange == "" for record in records):
            if "relay-null-mx-ignored" not in self._defects:
                # RFC 7505 §3, §4.2; RFC 7504 §4.
                return _unroutable(556, "5.1.10", f"the domain {domain} accepts no mail (null MX)")
            return _unroutable(450, "4.4.4", "the host . cannot be reached")
        named = self._without_self([record for record in records if record.exchange])
        if not named:
            return _unroutable(554, "5.4.6", f"the mail exchangers of {domain} lead back to this server")
        return await self._hops_of(self._in_order(named), domain)

    def _literal_hop(self, literal: str) -> "tuple[Hop, ...] | Unroutable":
        text = literal[1:-1]
        if text.lower().startswith("ipv6:"):
            text = text[5:]
        try:
            address = str(ipaddress.ip_address(text))
        except ValueError:
            return _unroutable(550, "5.1.2", f"{literal} is no address that this server can reach")
        if address in self._own_addresses:
            return _unroutable(554, "5.4.6", f"{literal} leads back to this server")
        return (Hop(literal, address),)

    def _without_self(self, records: list[MxRecord]) -> list[MxRecord]:
        """Drop this server and all hosts not preferred to it, or mail would circle (RFC 5321 §5.1)."""
        own = [record.preference for record in records if record.exchange.lower() in self._own_names]
        return [record for record in records if record.preference < min(own)] if own else records

    def _in_order(self, records: list[MxRecord]) -> list[MxRecord]:
        """Sort by preference, those of equal preference in random order (RFC 5321 §5.1: MUST randomize)."""
        ordered: list[MxRecord] = []
        by_preference = sorted(records, key=lambda record: record.preference)
        for _, equals in groupby(by_preference, key=lambda record: record.preference):
            shuffled = list(equals)
            if "relay-equal-mx-in-order" not in self._defects:
                self._random.shuffle(shuffled)
            ordered += shuffled
        return ordered[::-1] if "relay-mx-order-reversed" in self._defects else ordered

    async def _hops_of(self, records: Sequence[MxRecord], domain: str) -> "tuple[Hop, ...] | Unroutable":
        """Look the hosts up; a host without an address is passed over, unless the DNS may yet have one."""
        hosts = [record.exchange for record in records]
        if "relay-address-beside-mx" in self._defects and domain not in hosts:
            hosts.insert(0, domain)
        hops: list[Hop] = []
        failure: LookupFailed | None = None
        for host in hosts[:MAX_HOSTS]:
            try:
                addresses = await self._resolver.addresses(host)
            except NoSuchName:
                continue
            except LookupFailed as error:
                failure = error
                continue
            if not self._own_addresses.isdisjoint(addresses):
                # This host is us under another name; what follows is not preferred to it.
                if not hops:
                    return _unroutable(554, "5.4.6", f"mail for {domain} leads back to this server")
                break
            hops += [Hop(host, address) for address in addresses]
        if hops:
            return tuple(hops[:1] if "relay-first-host-only" in self._defects else hops)
        if failure is not None:
            return _unroutable(451, "4.4.3", f"cannot look up the mail exchangers of {domain}: {failure}")
        return _unroutable(550, "5.4.4", f"no mail exchanger of {domain} has an address")
