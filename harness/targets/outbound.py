"""Where the target's outgoing mail goes: our DNS answers, and our next hops receive."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from harness.peers.behaviour import ACCEPT, Behaviour
from harness.peers.dns import DnsResponder
from harness.peers.next_hop import NextHop
from harness.targets.file import OutboundRoute

HOPS_PER_WORKER = 8
_FIRST_HOP = 21
_LAST_WORKER = 25


class Outbound:
    """The surroundings of a relaying target. The DNS responder starts when it is first asked for.

    There is one address on which the target asks for names, so one process at a time can answer there:
    checks that need this belong into one worker.
    """

    def __init__(self, route: OutboundRoute, nonce: str, worker: int) -> None:
        self._route = route
        self._nonce = nonce
        self._worker = min(worker, _LAST_WORKER)
        self._count = itertools.count(1)
        self._dns: DnsResponder | None = None

    @property
    def dns(self) -> DnsResponder:
        """The responder that the target asks; it has an empty zone for each of the route's domains."""
        if self._dns is None:
            responder = DnsResponder(address=self._route.dns_host, port=self._route.dns_port)
            for domain in self._route.domains:
                responder.add_zone(domain)
            responder.start()
            self._dns = responder
        return self._dns

    @property
    def sink_port(self) -> int:
        """The port to which the target connects on the hosts that an MX record names."""
        return self._route.sink_port

    def domain(self) -> str:
        """A domain name that was never used before, below one of the route's domains, without any record."""
        return f"d{self._nonce}{next(self._count)}.{self._route.domains[0]}"

    def next_hop_host(self, index: int = 0) -> str:
        """The address of the next hop with this number, from 0; all have the same port."""
        if not 0 <= index < HOPS_PER_WORKER:
            raise ValueError(f"there are next hops 0 to {HOPS_PER_WORKER - 1}")
        return f"127.0.0.{_FIRST_HOP + HOPS_PER_WORKER * self._worker + index}"

    @contextmanager
    def next_hop(self, index: int = 0, behaviour: Behaviour = ACCEPT) -> Iterator[NextHop]:
        """Run a next hop for the time of the context."""
        with NextHop(self.next_hop_host(index), self.sink_port, behaviour) as hop:
            yield hop

    def route(self, domain: str, *hops: int, preference: int = 10) -> None:
        """Let mail for `domain` go to these next hops, the first being preferred (RFC 5321 §5.1)."""
        hosts = [f"mx{index}.{domain}" for index in hops]
        for host, index in zip(hosts, hops, strict=True):
            self.dns.set(host, "A", self.next_hop_host(index))
        self.dns.set(
            domain, "MX", *(f"{preference * step} {host}." for step, host in enumerate(hosts, start=1))
        )

    def close(self) -> None:
        """Stop the responder."""
        if self._dns is not None:
            self._dns.stop()
            self._dns = None
