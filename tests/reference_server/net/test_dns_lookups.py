"""MX and address look-ups, against the harness's responder on loopback."""

import asyncio
from collections.abc import Iterator

import pytest

from harness.peers.dns import DnsResponder
from reference_server.net.resolver import DnsResolver
from reference_server.relay.routing import LookupFailed, MxRecord, NoSuchName


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsResponder]:
    with DnsResponder() as responder:
        responder.add_zone("two.test")
        responder.set("two.test", "MX", "10 mx1.two.test.", "5 MX2.two.test.")
        responder.set("mx1.two.test", "A", "192.0.2.1", "192.0.2.2")
        responder.set("mx1.two.test", "AAAA", "2001:db8::1")
        responder.set("alias.two.test", "CNAME", "two.test.")
        responder.set("mxalias.two.test", "CNAME", "mx1.two.test.")
        responder.set("loop.two.test", "CNAME", "pool.two.test.")
        responder.set("pool.two.test", "CNAME", "loop.two.test.")
        responder.set("lost.two.test", "CNAME", "nowhere.two.test.")
        responder.set("null.two.test", "MX", "0 .")
        responder.set("text.two.test", "TXT", "only")
        responder.set("many.two.test", "MX", *[f"{number} mx{number}.two.test." for number in range(100)])
        responder.servfail("broken.two.test")
        responder.silence("silent.two.test")
        yield responder


@pytest.fixture
def resolver(dns: DnsResponder) -> DnsResolver:
    return DnsResolver((dns.host, dns.port), timeout_s=5.0)


def mx(resolver: DnsResolver, domain: str) -> list[MxRecord]:
    return sorted(asyncio.run(resolver.mx(domain)), key=lambda record: record.preference)


def addresses(resolver: DnsResolver, host: str) -> list[str]:
    return sorted(asyncio.run(resolver.addresses(host)))


def test_mx_records(resolver: DnsResolver) -> None:
    records = [MxRecord(5, "mx2.two.test"), MxRecord(10, "mx1.two.test")]
    assert mx(resolver, "two.test") == mx(resolver, "Two.TEST") == records
    assert mx(resolver, "alias.two.test") == records
    assert mx(resolver, "null.two.test") == [MxRecord(0, "")]
    assert mx(resolver, "text.two.test") == []


def test_an_answer_that_only_tcp_can_carry(resolver: DnsResolver, dns: DnsResponder) -> None:
    assert len(mx(resolver, "many.two.test")) == 100
    assert "tcp" in {query.transport for query in dns.queries if query.name == "many.two.test"}


def test_addresses_of_both_families(resolver: DnsResolver) -> None:
    assert addresses(resolver, "mx1.two.test") == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert addresses(resolver, "mxalias.two.test") == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert addresses(resolver, "text.two.test") == []


@pytest.mark.parametrize("name", ["nowhere.two.test", "lost.two.test"])
def test_what_does_not_exist(resolver: DnsResolver, name: str) -> None:
    with pytest.raises(NoSuchName):
        mx(resolver, name)
    with pytest.raises(NoSuchName):
        addresses(resolver, name)


@pytest.mark.parametrize("name", ["broken.two.test", "loop.two.test"])
def test_what_may_be_there_later(resolver: DnsResolver, name: str) -> None:
    with pytest.raises(LookupFailed):
        mx(resolver, name)
    with pytest.raises(LookupFailed):
        addresses(resolver, name)


def test_a_server_that_says_nothing(dns: DnsResponder) -> None:
    impatient = DnsResolver((dns.host, dns.port), timeout_s=0.2)
    with pytest.raises(LookupFailed):
        mx(impatient, "silent.two.test")
