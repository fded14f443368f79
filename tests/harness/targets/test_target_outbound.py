"""The surroundings of a relaying target."""

import socket

import dns.message
import dns.query
import pytest

from harness.clients.smtp import SmtpClient
from harness.targets.file import OutboundRoute
from harness.targets.outbound import Outbound
from harness.transport.tcp import connect_tcp


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_mail_finds_its_way_to_the_next_hop() -> None:
    route = OutboundRoute(
        "127.0.0.1", free_port(socket.SOCK_DGRAM), ("remote.test", "b.test"), free_port(socket.SOCK_STREAM)
    )
    outbound = Outbound(route, "abc", worker=0)
    try:
        domain = outbound.domain()
        assert domain.endswith(".remote.test")
        assert outbound.domain() != domain
        outbound.route(domain, 1, 0)
        answer = dns.query.udp(
            dns.message.make_query(domain, "MX"), "127.0.0.1", port=route.dns_port, timeout=5
        )
        exchanges = sorted((rdata.preference, rdata.exchange.to_text()) for rdata in answer.answer[0])
        assert exchanges == [(10, f"mx1.{domain}."), (20, f"mx0.{domain}.")]
        assert outbound.dns.asked(domain, "MX")
        with (
            outbound.next_hop(1) as hop,
            SmtpClient(connect_tcp(hop.host, outbound.sink_port, 5.0)) as client,
        ):
            assert hop.host == outbound.next_hop_host(1)
            client.greeting()
            client.ehlo()
            assert client.submit(sender="", to=f"joe@{domain}", message=b"\r\nhi\r\n").code == 250
            (mail,) = hop.wait_for(1, 5.0)
            assert mail.rcpt_tos == (f"joe@{domain}",)
    finally:
        outbound.close()


def test_workers_have_next_hops_of_their_own() -> None:
    route = OutboundRoute("127.0.0.1", 53, ("remote.test",))
    hosts = {Outbound(route, "x", worker).next_hop_host(index) for worker in range(4) for index in range(8)}
    assert len(hosts) == 32
    with pytest.raises(ValueError, match="next hops 0 to 7"):
        Outbound(route, "x", 0).next_hop_host(8)
