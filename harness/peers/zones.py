"""What the DNS responder knows: zones read from master files, and the look-up through them.

This module has no socket: a question goes in, a `Found` comes out. The algorithm is that of RFC 1034
§4.3.2, with wildcards as RFC 4592 §3.3.1 reads them (the closest encloser decides; an empty non-terminal
exists), aliases followed within the zones, and the SOA of RFC 2308 §3 beside every negative answer.

One file may hold several zones: each SOA record begins one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import dns.node
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.tokenizer
import dns.zone
import dns.zonefile
from dns.name import Name
from dns.rdatatype import RdataType

from harness.vocabulary.errors import LocalProtocolError, UsageError

DEFAULT_TTL_S = 60
"""The time to live of records that a check sets while the responder runs."""

CHAIN_LIMIT = 16
"""How many aliases are followed before the answer is given as far as it goes (a loop is legal data)."""

_NAMED_ROOT = re.compile(r"^\s*(\$ORIGIN\s+\.(\s|$)|\.\s)", re.MULTILINE)


class ZoneError(UsageError):
    """A zone file cannot be used; the text is one line with the file, the line and the mend."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the zones hold on a question, section by section (RFC 1035 §4.1)."""

    rcode: dns.rcode.Rcode
    authoritative: bool = True
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    additional: tuple[dns.rrset.RRset, ...] = ()


@dataclass(frozen=True, slots=True)
class _Alias:
    """The name is another name for `target`."""

    record: dns.rrset.RRset
    target: Name


@dataclass(slots=True)
class _Zone:
    """One zone: its origin, and the record sets of each owner name in it (all names absolute)."""

    origin: Name
    nodes: dict[Name, dict[RdataType, dns.rdataset.Rdataset]] = field(default_factory=dict)

    def node(self, name: Name) -> dict[RdataType, dns.rdataset.Rdataset] | None:
        """Return the record sets of `name`: empty for an empty non-terminal, None if it does not exist."""
        node = self.nodes.get(name)
        if node:
            return node
        if any(owner.is_subdomain(name) and owner != name and sets for owner, sets in self.nodes.items()):
            return {}
        return None

    def match(self, name: Name) -> dict[RdataType, dns.rdataset.Rdataset] | None:
        """Return what `name` is answered from: its own node, or a wildcard (RFC 4592 §3.3.1)."""
        node = self.node(name)
        if node is not None:
            return node
        encloser = name
        while encloser != self.origin:
            encloser = encloser.parent()
            if self.node(encloser) is not None:
                break
        return self.nodes.get(dns.name.Name((b"*", *encloser.labels))) or None

    def delegation(self, name: Name) -> dns.rrset.RRset | None:
        """Return the NS records of the zone cut at or above `name`, if it lies below one."""
        cut: dns.rrset.RRset | None = None
        owner = name
        while owner != self.origin:
            servers = self.nodes.get(owner, {}).get(RdataType.NS)
            if servers is not None:
                cut = _rrset(owner, servers)
            owner = owner.parent()
        return cut

    def soa(self) -> tuple[dns.rrset.RRset, ...]:
        """Return the SOA for a negative answer; its TTL is what may be cached (RFC 2308 §3)."""
        records = self.nodes.get(self.origin, {}).get(RdataType.SOA)
        if records is None:
            return ()
        rrset = _rrset(self.origin, records)
        rrset.ttl = min(rrset.ttl, records[0].minimum)
        return (rrset,)


class Zones:
    """A set of zones that can be asked and changed; not thread safe by itself (its responder locks)."""

    def __init__(self) -> None:
        self._zones: dict[Name, _Zone] = {}

    @property
    def origins(self) -> tuple[str, ...]:
        """The names of the zones, without the final dot, sorted."""
        return tuple(sorted(show(origin) for origin in self._zones))

    def read_file(self, path: Path) -> None:
        """Read a master file (RFC 1035 §5); raises `ZoneError`, and then nothing of the file is taken."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ZoneError(f"{path}: cannot be read: {reason}; give the path of a zone file") from error
        except UnicodeDecodeError as error:
            raise ZoneError(f"{path}: not a text file (octet {error.start} is not UTF-8)") from error
        self.read_text(text, str(path))

    def read_text(self, text: str, file_name: str) -> None:
        """Read the text of a master file; `file_name` is for the errors."""
        records = _Records(named_root=_NAMED_ROOT.search(text) is not None)
        reader = dns.zonefile.Reader(_Tokens(text, file_name), dns.rdataclass.IN, records)
        try:
            reader.read()
        except dns.exception.DNSException as error:
            raise ZoneError(_one_line(error, file_name)) from error
        fresh = records.zones
        if not fresh:
            raise ZoneError(f"{file_name}: no SOA record: a zone begins with '$ORIGIN name.' and '@ SOA ...'")
        twice = fresh.keys() & self._zones.keys()
        if twice:
            raise ZoneError(f"{file_name}: the zone {show(min(twice))} is already given by another file")
        self._zones.update(fresh)

    def add_zone(self, zone: dns.zone.Zone) -> None:
        """Take over a zone built with dnspython."""
        if zone.origin is None:
            raise LocalProtocolError("a zone without an origin answers for no name")
        origin = zone.origin
        own = _Zone(origin)
        for owner, node in zone.nodes.items():
            own.nodes[owner.derelativize(origin)] = {records.rdtype: records for records in node.rdatasets}
        self._zones[origin] = own

    def add_origin(self, name: str) -> None:
        """Answer for `name` and everything below it, with an SOA and an NS record made up for it."""
        origin = absolute(name)
        self._zones[origin] = _Zone(origin)
        self.set(name, "SOA", f"ns.{origin} hostmaster.{origin} 1 3600 600 86400 {DEFAULT_TTL_S}")
        self.set(name, "NS", f"ns.{origin}")

    def set(self, name: str, rdtype: str, *values: str, ttl_s: int = DEFAULT_TTL_S) -> None:
        """Make `values` the only records of this type at `name`; names in values are absolute."""
        owner = absolute(name)
        zone = self._zone_of(owner)
        if zone is None:
            raise LocalProtocolError(
                f"{show(owner)} lies in none of the zones {', '.join(self.origins) or '(none)'}"
            )
        kind = dns.rdatatype.from_text(rdtype)
        try:
            records = [
                dns.rdata.from_text(dns.rdataclass.IN, kind, value, origin=dns.name.root, relativize=False)
                for value in values
            ]
        except dns.exception.DNSException as error:
            raise LocalProtocolError(f"not {rdtype} data: {error}") from error
        if not records:
            raise LocalProtocolError(f"no values for {show(owner)} {rdtype}: remove() takes records away")
        node = zone.nodes.setdefault(owner, {})
        if kind is RdataType.CNAME:
            node.clear()  # no other data beside an alias (RFC 1034 §3.6.2)
        else:
            node.pop(RdataType.CNAME, None)
        node[kind] = dns.rdataset.from_rdata_list(ttl_s, records)

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take away the records of one type, or all of them, at `name`."""
        owner = absolute(name)
        zone = self._zone_of(owner)
        if zone is None:
            return
        if rdtype is None:
            zone.nodes.pop(owner, None)
        else:
            node = zone.nodes.get(owner, {})
            node.pop(dns.rdatatype.from_text(rdtype), None)
            if not node:
                zone.nodes.pop(owner, None)

    def look_up(self, name: Name, kind: RdataType) -> Found:
        """Answer one question of class IN (RFC 1034 §4.3.2)."""
        answer: list[dns.rrset.RRset] = []
        seen: set[Name] = set()
        found = self._step(name, kind)
        while isinstance(found, _Alias):
            answer.append(found.record)
            seen.add(name)
            name = found.target
            if name in seen or len(seen) == CHAIN_LIMIT:
                return Found(dns.rcode.NOERROR, answer=tuple(answer))
            found = self._step(name, kind)
        if not answer:
            return found
        if found.rcode == dns.rcode.REFUSED:  # the chain leaves our zones: the asker follows it elsewhere
            return Found(dns.rcode.NOERROR, answer=tuple(answer))
        return replace(found, authoritative=True, answer=(*answer, *found.answer))

    def _step(self, name: Name, kind: RdataType) -> "Found | _Alias":
        """Answer for `name` alone, without following an alias."""
        zone = self._zone_of(name)
        if zone is None:
            return Found(dns.rcode.REFUSED, authoritative=False)
        cut = zone.delegation(name)
        if cut is not None:
            glue = self._addresses(cut, below_cut=True)
            return Found(dns.rcode.NOERROR, authoritative=False, authority=(cut,), additional=glue)
        node = zone.match(name)
        if node is None:
            return Found(dns.rcode.NXDOMAIN, authority=zone.soa())
        wanted = node.values() if kind is RdataType.ANY else [node[kind]] if kind in node else []
        if wanted:
            answer = tuple(_rrset(name, records) for records in wanted)
            return Found(dns.rcode.NOERROR, answer=answer, additional=self._addresses(answer[0]))
        alias = node.get(RdataType.CNAME)
        if alias is not None:
            return _Alias(_rrset(name, alias), alias[0].target)
        return Found(dns.rcode.NOERROR, authority=zone.soa())

    def _zone_of(self, name: Name) -> _Zone | None:
        origin = _closest(name, self._zones)
        return None if origin is None else self._zones[origin]

    def _addresses(self, rrset: dns.rrset.RRset, *, below_cut: bool = False) -> tuple[dns.rrset.RRset, ...]:
        """Return the addresses that the zones hold for mail exchangers and name servers (RFC 1035 §3.3.9)."""
        if rrset.rdtype not in {RdataType.MX, RdataType.NS}:
            return ()
        found: dict[tuple[Name, RdataType], dns.rrset.RRset] = {}
        for rdata in rrset:
            host: Name = rdata.exchange if rrset.rdtype is RdataType.MX else rdata.target
            zone = self._zone_of(host)
            if zone is None or (not below_cut and zone.delegation(host) is not None):
                continue
            node = zone.match(host) or {}
            for kind in (RdataType.A, RdataType.AAAA):
                if kind in node:
                    found[host, kind] = _rrset(host, node[kind])
        return tuple(found.values())


class _Tokens(dns.tokenizer.Tokenizer):
    """Tells where the record began; dnspython's tokenizer has often gone on to the next line by then."""

    def __init__(self, text: str, file_name: str) -> None:
        super().__init__(text, file_name)
        self.record_line = 1

    def get(self, want_leading: bool = False, want_comment: bool = False) -> dns.tokenizer.Token:
        """Return the next token; only at the start of a line is the leading space wanted."""
        if want_leading and self.ungotten_token is None:
            self.record_line = self.line_number
        return super().get(want_leading, want_comment)

    def where(self) -> tuple[str, int]:
        """Return the file and the line on which the current record begins."""
        return self.filename, self.record_line


class _Records(dns.zonefile.RRsetsReaderTransaction):
    """Takes what dnspython's reader finds in a master file, while the reader still knows the line.

    dnspython's own zones silently drop a record that lies outside of the zone; here it is an error, since
    a forgotten final dot is the classic mistake in such a file.
    """

    def __init__(self, *, named_root: bool) -> None:
        manager = dns.zonefile.RRSetsReaderManager(origin=dns.name.root, relativize=False)
        super().__init__(manager, replacement=False, read_only=False)  # type: ignore[no-untyped-call]
        self.named_root = named_root
        self.zones: dict[Name, _Zone] = {}

    def add(self, *args: Any) -> None:
        """Take one record; called by the reader with owner, time to live and data."""
        owner, ttl, rdata = args
        if rdata.rdtype is RdataType.SOA and owner not in self.zones:
            if owner == dns.name.root and not self.named_root:
                raise _bad_record("the zone has no name: begin the file with '$ORIGIN name.'")
            self.zones[owner] = _Zone(owner)
        if not self.zones:
            raise _bad_record(f"{show(owner)} comes before any SOA record: a zone begins with it")
        origin = _closest(owner, self.zones)
        if origin is None:
            zones = ", ".join(show(origin) for origin in self.zones)
            raise _bad_record(f"{show(owner)} lies outside {zones} (a full name ends with a dot)")
        node = self.zones[origin].nodes.setdefault(owner, {})
        if node and (rdata.rdtype is RdataType.CNAME) != (RdataType.CNAME in node):
            raise _bad_record(f"{show(owner)} has an alias and other data (RFC 1034 §3.6.2 forbids it)")
        records = node.setdefault(rdata.rdtype, dns.rdataset.Rdataset(rdata.rdclass, rdata.rdtype, ttl=ttl))
        records.add(rdata, ttl)


def _bad_record(text: str) -> dns.exception.SyntaxError:
    """Make an error to which dnspython's reader adds the file and the line."""
    return dns.exception.SyntaxError(text)  # type: ignore[no-untyped-call]


def absolute(name: str) -> Name:
    """Return the absolute name that `name` means, with or without its final dot."""
    try:
        return dns.name.from_text(name, origin=dns.name.root)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise LocalProtocolError(f"not a domain name: {name!r} ({error})") from error


def show(name: Name) -> str:
    """Return a name as people write it: in lower case, without the final dot, the root as a dot."""
    return name.canonicalize().to_text(omit_final_dot=True) if name != dns.name.root else "."


def _closest(name: Name, origins: Iterable[Name]) -> Name | None:
    return max(
        (origin for origin in origins if name.is_subdomain(origin)),
        key=lambda origin: len(origin.labels),
        default=None,
    )


def _rrset(owner: Name, records: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    rrset = dns.rrset.from_rdata_list(owner, records.ttl, list(records))
    rrset.covers = records.covers
    return rrset


def _one_line(error: dns.exception.DNSException, file_name: str) -> str:
    text = " ".join(str(error).split())
    text = re.sub(r"caught exception <class '[\w.]+'>: ", "", text)
    if "Missing default TTL" in text:
        text += "; begin the file with a line as $TTL 3600"
    return text if text.startswith(file_name) else f"{file_name}: {text}"
