import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.dns import DnsResponder
from harness.vocabulary.errors import ConnectFailed

WAIT_S = 5.0


@pytest.fixture(params=["127.0.0.1", "::1"])
def responder(request: pytest.FixtureRequest) -> Iterator[DnsResponder]:
    with DnsResponder(address=request.param) as responder:
        responder.add_zone("one.test")
        responder.set("one.test", "MX", "10 mx.one.test.")
        responder.set("mx.one.test", "A", "127.0.0.11")
        yield responder


@pytest.fixture
def offline() -> DnsResponder:
    responder = DnsResponder()
    responder.add_zone("one.test")
    responder.set("one.test", "MX", "10 mx.one.test.")
    return responder


def answer(
    responder: DnsResponder, query: dns.message.Message, transport: str = "udp"
) -> dns.message.Message:
    wire = responder.answer(query.to_wire(), transport)
    assert wire is not None
    return dns.message.from_wire(wire)


def test_a_resolver_finds_its_answers_over_udp(responder: DnsResponder) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [responder.host], responder.port
    (record,) = resolver.resolve("one.test", "MX")
    assert record.to_text() == "10 mx.one.test."
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve("missing.one.test", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve("mx.one.test", "MX")
    assert [(query.name, query.rdtype, query.transport, query.rcode) for query in responder.queries] == [
        ("one.test", "MX", "udp", "NOERROR"),
        ("missing.one.test", "A", "udp", "NXDOMAIN"),
        ("mx.one.test", "MX", "udp", "NOERROR"),
    ]


def test_long_answers_are_truncated_and_come_whole_over_tcp(responder: DnsResponder) -> None:
    responder.set("long.one.test", "TXT", *(f'"{number:03} {"x" * 200}"' for number in range(20)))
    query = dns.message.make_query("long.one.test", "TXT")
    short = dns.query.udp(query, responder.host, WAIT_S, responder.port)
    assert short.flags & dns.flags.TC
    assert short.answer == []
    whole = dns.query.tcp(query, responder.host, WAIT_S, responder.port)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer[0]) == 20
    assert [query.transport for query in responder.asked("LONG.one.test.", "TXT")] == ["udp", "tcp"]


def test_records_come_in_the_order_in_which_they_were_set(offline: DnsResponder) -> None:
    hosts = [f"10 mx{number}.one.test." for number in (3, 1, 2, 5, 4)]
    offline.set("one.test", "MX", *hosts)
    for _ in range(20):  # shuffled, that would come once in 120**20 runs
        (records,) = answer(offline, dns.message.make_query("one.test", "MX")).answer
        assert [record.to_text() for record in records] == hosts


def test_several_questions_over_one_tcp_connection_in_pieces(responder: DnsResponder) -> None:
    queries = [dns.message.make_query("mx.one.test", "A") for _ in range(2)]
    stream = b"".join(struct.pack("!H", len(query.to_wire())) + query.to_wire() for query in queries)
    with socket.create_connection((responder.host, responder.port), WAIT_S) as sock:
        sock.sendall(stream[:1])
        sock.sendall(stream[1:])
        sock.shutdown(socket.SHUT_WR)
        received = b""
        while piece := sock.recv(4096):
            received += piece
    length = int.from_bytes(received[:2], "big")
    assert dns.message.from_wire(received[2 : 2 + length]).id == queries[0].id
    assert dns.message.from_wire(received[4 + length :]).id == queries[1].id


def test_stopping_with_a_tcp_caller_connected(responder: DnsResponder) -> None:
    with socket.create_connection((responder.host, responder.port), WAIT_S) as sock:
        responder.stop()
        with contextlib.suppress(ConnectionResetError):  # accepted by the kernel, never by us
            assert sock.recv(1) == b""


def test_changes_while_running_are_seen(responder: DnsResponder) -> None:
    responder.null_mx("one.test")
    reply = dns.query.udp(dns.message.make_query("one.test", "MX"), responder.host, WAIT_S, responder.port)
    assert [record.to_text() for record in reply.answer[0]] == ["0 ."]


def test_waiting_for_a_question(responder: DnsResponder) -> None:
    query = dns.message.make_query("one.test", "MX")
    asker = threading.Thread(target=dns.query.udp, args=(query, responder.host, WAIT_S, responder.port))
    asker.start()
    assert responder.wait_for("one.test", "MX", WAIT_S)
    asker.join()
    assert not responder.wait_for("one.test", "A", 0.0)
    responder.forget_queries()
    assert responder.queries == ()


def test_port_in_use_is_one_line(responder: DnsResponder) -> None:
    with pytest.raises(ConnectFailed, match=r"cannot answer DNS on .*: address already in use"):
        DnsResponder(address=responder.host, port=responder.port).start()


def test_servfail_and_silence_until_healed(offline: DnsResponder) -> None:
    query = dns.message.make_query("one.test", "MX")
    offline.servfail("one.test")
    assert answer(offline, query).rcode() == dns.rcode.SERVFAIL
    offline.silence("one.test")
    assert offline.answer(query.to_wire(), "udp") is None
    offline.heal("one.test")
    assert answer(offline, query).answer
    assert [query.rcode for query in offline.queries] == ["SERVFAIL", "", "NOERROR"]


def test_flags_of_an_answer(offline: DnsResponder) -> None:
    reply = answer(offline, dns.message.make_query("One.test", "MX"))
    assert reply.flags & dns.flags.QR
    assert reply.flags & dns.flags.AA
    assert reply.flags & dns.flags.RD
    assert not reply.flags & dns.flags.RA
    assert reply.question[0].name.to_text() == "One.test."
    assert reply.edns == -1


def test_edns_is_accepted_and_its_size_used(offline: DnsResponder) -> None:
    offline.set("long.one.test", "TXT", *(f'"{number} {"x" * 200}"' for number in range(4)))
    reply = answer(offline, dns.message.make_query("long.one.test", "TXT", use_edns=0, payload=4096))
    assert reply.edns == 0
    assert len(reply.answer[0]) == 4
    short = answer(offline, dns.message.make_query("long.one.test", "TXT"))
    assert short.flags & dns.flags.TC


def test_additional_records_give_way_before_truncation(offline: DnsResponder) -> None:
    hosts = [f"a-mail-exchanger-with-a-long-name-{number}.one.test" for number in range(9)]
    for host in hosts:
        offline.set(host, "AAAA", "::1")
    offline.set("one.test", "MX", *(f"10 {host}." for host in hosts))
    reply = answer(offline, dns.message.make_query("one.test", "MX"))
    assert len(reply.answer[0]) == 9
    assert reply.additional == []
    assert not reply.flags & dns.flags.TC


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        (lambda query: query.set_opcode(dns.opcode.NOTIFY), dns.rcode.NOTIMP),
        (lambda query: query.use_edns(1), dns.rcode.BADVERS),
        (lambda query: query.question.append(query.question[0]), dns.rcode.FORMERR),
        (lambda query: query.question.clear(), dns.rcode.FORMERR),
        (lambda query: setattr(query.question[0], "rdclass", 3), dns.rcode.REFUSED),
        (lambda query: setattr(query.question[0], "rdtype", 252), dns.rcode.REFUSED),
    ],
    ids=["notify", "EDNS 1", "two questions", "no question", "class CHAOS", "transfer"],
)
def test_what_is_no_ordinary_question_is_refused(offline: DnsResponder, change: object, rcode: int) -> None:
    query = dns.message.make_query("one.test", "MX")
    assert callable(change)
    change(query)
    wire = query.to_wire()
    if rcode == dns.rcode.FORMERR and query.question:
        wire = query.to_wire()
    reply = offline.answer(wire, "udp")
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == rcode


def test_answers_are_not_answered(offline: DnsResponder) -> None:
    query = dns.message.make_query("one.test", "MX")
    query.flags |= dns.flags.QR
    assert offline.answer(query.to_wire(), "udp") is None
    assert offline.answer(query.to_wire()[:20], "udp") is None


@given(wire=st.binary(max_size=80))
def test_garbage_is_dropped_or_answered_as_an_error(wire: bytes) -> None:
    responder = DnsResponder()
    responder.add_zone("one.test")
    reply = responder.answer(wire, "udp")
    assert reply is None or dns.message.from_wire(reply).flags & dns.flags.QR


@given(data=st.data())
def test_damaged_questions_never_crash(data: st.DataObject) -> None:
    responder = DnsResponder()
    responder.add_zone("one.test")
    wire = bytearray(dns.message.make_query("www.one.test", "A", use_edns=0).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    reply = responder.answer(bytes(wire[: data.draw(st.integers(0, len(wire)))]), "tcp")
    assert reply is None or reply[:2] == bytes(wire[:2])


def test_garbage_on_the_sockets_leaves_it_serving(responder: DnsResponder) -> None:
    family = socket.AF_INET6 if ":" in responder.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for junk in (b"", b"\x00", b"\xff" * 500):
            sock.sendto(junk, (responder.host, responder.port))
    with socket.create_connection((responder.host, responder.port), WAIT_S) as sock:
        sock.sendall(b"\x00\x00\x00\x05hello")
    reply = dns.query.tcp(dns.message.make_query("one.test", "MX"), responder.host, WAIT_S, responder.port)
    assert reply.answer
