"""The DNS that a server under test resolves through: an authoritative responder on UDP and TCP.

    with DnsResponder([Path("remote.test.zone")]) as responder:
        responder.set("mx.remote.test", "A", "127.0.0.21")
        ...                                         # let the server under test resolve
        assert responder.asked("remote.test", "MX")

Answers are built with dnspython, third-party code, so that a relay of ours does not check itself against our
own reading of DNS. One thread serves every socket, answers from memory and never blocks; zones may be changed
from any other thread while it runs. Whatever arrives is answered, refused or dropped, never fatal.
"""

import contextlib
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.zone
from dns.rdatatype import RdataType

from harness.peers.dns_server import DnsServer
from harness.peers.zones import DEFAULT_TTL_S, Found, ZoneError, Zones, absolute, show

__all__ = ["DnsResponder", "Query", "ZoneError"]

UDP_OCTETS: Final = 512
"""What fits into a UDP answer to a question without EDNS (RFC 1035 §4.2.1)."""
EDNS_OCTETS: Final = 1232
"""The most that we send over UDP to a question with EDNS: it crosses any path whole (RFC 6891 §6.2.5)."""
HEADER_OCTETS: Final = 12


@dataclass(frozen=True, slots=True)
class Query:
    """One question that was asked."""

    name: str
    """In lower case, without the final dot."""
    rdtype: str
    transport: str
    """`udp` or `tcp`."""
    rcode: str
    """How it was answered, as `NOERROR`; empty if it was left without an answer on purpose."""
    at: float
    """`time.monotonic()` when it was answered."""


class _Mood(Enum):
    SERVFAIL = "SERVFAIL"
    SILENT = "silent"


class DnsResponder:
    """An authoritative DNS server for `zones`, as a context manager.

    `zones` are master files or dnspython zones; `address` is one IPv4 or IPv6 address; `port` 0 takes one
    that is free for UDP and TCP.
    """

    def __init__(
        self, zones: Iterable[Path | str | dns.zone.Zone] = (), address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._zones = Zones()
        for zone in zones:
            if isinstance(zone, dns.zone.Zone):
                self._zones.add_zone(zone)
            else:
                self._zones.read_file(Path(zone))
        self._lock = threading.Lock()
        self._moods: dict[dns.name.Name, _Mood] = {}
        self._log: list[Query] = []
        self._logged = threading.Condition(self._lock)
        self._address = address
        self._asked_port = port
        self._server: DnsServer | None = None
        self._thread: threading.Thread | None = None

    # Life

    def start(self) -> Self:
        """Bind the sockets and serve; raises `ConnectFailed` if the address or port cannot be had."""
        if self._server is None:
            self._server = DnsServer(self._address, self._asked_port, self.answer)
            self._thread = threading.Thread(
                target=self._server.run, name=f"dns-{self.host}-{self.port}", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every socket; harmless when not running."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._server.close()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """The address it answers on."""
        return self._address

    @property
    def port(self) -> int:
        """The port it answers on; as asked for until it is started."""
        return self._asked_port if self._server is None else self._server.port

    # What it knows

    @property
    def origins(self) -> tuple[str, ...]:
        """The names of its zones."""
        with self._lock:
            return self._zones.origins

    def add_zone(self, zone: str | Path | dns.zone.Zone) -> None:
        """Answer for one more zone: a master file (`Path`), a dnspython zone, or an empty zone's name."""
        with self._lock:
            if isinstance(zone, dns.zone.Zone):
                self._zones.add_zone(zone)
            elif isinstance(zone, Path):
                self._zones.read_file(zone)
            else:
                self._zones.add_origin(zone)

    def set(self, name: str, rdtype: str, *values: str, ttl_s: int = DEFAULT_TTL_S) -> None:
        """Make `values` (master-file form, names absolute) the records of this type at `name`."""
        with self._lock:
            self._zones.set(name, rdtype, *values, ttl_s=ttl_s)

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take away the records of one type, or all, at `name`, and any order to fail for it."""
        with self._lock:
            self._zones.remove(name, rdtype)
            if rdtype is None:
                self._moods.pop(absolute(name), None)

    def null_mx(self, domain: str) -> None:
        """Say that `domain` accepts no mail (RFC 7505 §3)."""
        self.set(domain, "MX", "0 .")

    def servfail(self, name: str) -> None:
        """Answer SERVFAIL to every question about exactly `name`, until `heal`."""
        with self._lock:
            self._moods[absolute(name)] = _Mood.SERVFAIL

    def silence(self, name: str) -> None:
        """Leave every question about exactly `name` without an answer, until `heal`."""
        with self._lock:
            self._moods[absolute(name)] = _Mood.SILENT

    def heal(self, name: str) -> None:
        """Answer questions about `name` from the zones again."""
        with self._lock:
            self._moods.pop(absolute(name), None)

    # What it was asked

    @property
    def queries(self) -> tuple[Query, ...]:
        """Every question so far, in order."""
        with self._lock:
            return tuple(self._log)

    def asked(self, name: str, rdtype: str | None = None) -> tuple[Query, ...]:
        """Return the questions so far about `name`, of one type or of any."""
        wanted = show(absolute(name))
        return tuple(
            query for query in self.queries if query.name == wanted and rdtype in {None, query.rdtype}
        )

    def wait_for(self, name: str, rdtype: str, timeout_s: float) -> bool:
        """Wait until `name` has been asked for `rdtype`; False if that did not happen in time."""
        wanted = (show(absolute(name)), rdtype)
        with self._logged:
            return self._logged.wait_for(
                lambda: any((query.name, query.rdtype) == wanted for query in self._log), timeout_s
            )

    def forget_queries(self) -> None:
        """Empty the log."""
        with self._lock:
            self._log.clear()

    # One question

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        """Return the answer to one message as octets, or None where there is none to give.

        Public because it is the whole responder without its sockets.
        """
        try:
            query = dns.message.from_wire(wire, ignore_trailing=True)
        except dns.exception.DNSException:
            return _format_error(wire)
        if query.flags & dns.flags.QR:
            return None  # an answer, not a question: two servers must not talk in a circle
        reply = dns.message.make_response(query, recursion_available=False, our_payload=EDNS_OCTETS)
        found = self._find(query, transport)
        if found is None:
            return None
        reply.set_rcode(found.rcode)
        if found.authoritative:
            reply.flags |= dns.flags.AA
        reply.answer, reply.authority = list(found.answer), list(found.authority)
        reply.additional = list(found.additional)
        return _encode(query, reply, transport)

    def _find(self, query: dns.message.Message, transport: str) -> Found | None:
        refusal = _refusal(query)
        if refusal is not None:
            return Found(refusal, authoritative=False)
        question = query.question[0]
        name = question.name
        found: Found | None
        with self._logged:
            match self._moods.get(name):
                case _Mood.SILENT:
                    found = None
                case _Mood.SERVFAIL:
                    found = Found(dns.rcode.SERVFAIL, authoritative=False)
                case None:
                    found = self._zones.look_up(name, question.rdtype)
            self._log.append(
                Query(
                    name=show(name),
                    rdtype=dns.rdatatype.to_text(question.rdtype),
                    transport=transport,
                    rcode="" if found is None else dns.rcode.to_text(found.rcode),
                    at=time.monotonic(),
                )
            )
            self._logged.notify_all()
        return found


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    """Return the code for what is not an ordinary question of class IN, or None if it is one."""
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if query.edns > 0:
        return dns.rcode.BADVERS  # RFC 6891 §6.1.3
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    question = query.question[0]
    if question.rdclass not in {dns.rdataclass.IN, dns.rdataclass.ANY}:
        return dns.rcode.REFUSED
    if question.rdtype in {RdataType.AXFR, RdataType.IXFR}:
        return dns.rcode.REFUSED
    return None


def _encode(query: dns.message.Message, reply: dns.message.Message, transport: str) -> bytes:
    if transport == "tcp":
        return _to_wire(reply, 65535)
    room = UDP_OCTETS if query.edns < 0 else max(UDP_OCTETS, min(query.payload, EDNS_OCTETS))
    with contextlib.suppress(dns.exception.TooBig):
        return _to_wire(reply, room)
    reply.additional = []  # these are courtesy, their absence is no truncation (RFC 2181 §9)
    with contextlib.suppress(dns.exception.TooBig):
        return _to_wire(reply, room)
    reply.answer, reply.authority = [], []
    reply.flags |= dns.flags.TC
    return _to_wire(reply, room)


def _to_wire(reply: dns.message.Message, max_size: int) -> bytes:
    """Encode with the records in the order in which they were set; dnspython would shuffle them.

    Whether a server under test shuffles hosts of equal preference is a question to it (RFC 5321 §5.1).
    """
    return reply.to_wire(max_size=max_size, want_shuffle=False)


def _format_error(wire: bytes) -> bytes | None:
    """Answer FORMERR to what has at least the header of a question, and nothing to the rest."""
    if len(wire) < HEADER_OCTETS:
        return None
    ident, flags = struct.unpack_from("!HH", wire)
    if flags & dns.flags.QR:
        return None
    kept = flags & (0x7800 | dns.flags.RD)  # the opcode and the wish for recursion are echoed
    return struct.pack("!HHHHHH", ident, dns.flags.QR | kept | dns.rcode.FORMERR, 0, 0, 0, 0)
