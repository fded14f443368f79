from pathlib import Path

import dns.name
import dns.rcode
import pytest
from dns.rdatatype import RdataType

from harness.peers.zones import Found, ZoneError, Zones
from harness.vocabulary.errors import LocalProtocolError

ONE = """
$ORIGIN one.test.
$TTL 300
@       IN SOA ns hostmaster 1 3600 600 86400 30
        IN NS  ns
        IN MX  10 mx1
        IN MX  20 mx2.one.test.
ns      IN A   127.0.0.1
mx1     IN A   127.0.0.11
mx1     IN AAAA ::1
mx2     IN A   127.0.0.12
www     IN CNAME web
web     IN CNAME mx1
loop-a  IN CNAME loop-b
loop-b  IN CNAME loop-a
away    IN CNAME elsewhere.test.
nowhere IN CNAME missing
deep.er IN TXT "down here"
*.wild  IN MX  5 mx2
kept.wild IN A 127.0.0.13
sub     IN NS  ns.sub
ns.sub  IN A   127.0.0.53
"""


@pytest.fixture
def zones() -> Zones:
    zones = Zones()
    zones.read_text(ONE, "one.zone")
    return zones


def ask(zones: Zones, name: str, kind: RdataType) -> Found:
    return zones.look_up(dns.name.from_text(name), kind)


def answers(found: Found) -> list[str]:
    return [" ".join(line.split()[::1]) for rrset in found.answer for line in rrset.to_text().splitlines()]


def test_records_of_a_name(zones: Zones) -> None:
    found = ask(zones, "one.test", RdataType.MX)
    assert found.rcode == dns.rcode.NOERROR
    assert found.authoritative
    assert answers(found) == ["one.test. 300 IN MX 10 mx1.one.test.", "one.test. 300 IN MX 20 mx2.one.test."]
    assert {(rrset.name.to_text(), rrset.rdtype.name) for rrset in found.additional} == {
        ("mx1.one.test.", "A"),
        ("mx1.one.test.", "AAAA"),
        ("mx2.one.test.", "A"),
    }


def test_case_of_names_does_not_matter(zones: Zones) -> None:
    assert answers(ask(zones, "MX1.One.TEST", RdataType.A)) == ["MX1.One.TEST. 300 IN A 127.0.0.11"]


def test_aliases_are_followed(zones: Zones) -> None:
    assert answers(ask(zones, "www.one.test", RdataType.A)) == [
        "www.one.test. 300 IN CNAME web.one.test.",
        "web.one.test. 300 IN CNAME mx1.one.test.",
        "mx1.one.test. 300 IN A 127.0.0.11",
    ]


def test_alias_itself_can_be_asked_for(zones: Zones) -> None:
    assert answers(ask(zones, "www.one.test", RdataType.CNAME)) == [
        "www.one.test. 300 IN CNAME web.one.test."
    ]


def test_alias_loop_ends(zones: Zones) -> None:
    found = ask(zones, "loop-a.one.test", RdataType.A)
    assert found.rcode == dns.rcode.NOERROR
    assert [rrset.name.to_text() for rrset in found.answer] == ["loop-a.one.test.", "loop-b.one.test."]


def test_alias_out_of_the_zones_is_left_to_the_asker(zones: Zones) -> None:
    found = ask(zones, "away.one.test", RdataType.A)
    assert found.rcode == dns.rcode.NOERROR
    assert answers(found) == ["away.one.test. 300 IN CNAME elsewhere.test."]


def test_alias_to_a_missing_name_is_nxdomain_with_the_alias(zones: Zones) -> None:
    """RFC 6604 §3: the code speaks about the end of the chain."""
    found = ask(zones, "nowhere.one.test", RdataType.A)
    assert found.rcode == dns.rcode.NXDOMAIN
    assert found.authoritative
    assert answers(found) == ["nowhere.one.test. 300 IN CNAME missing.one.test."]


def test_no_such_name_has_the_soa_with_its_negative_ttl(zones: Zones) -> None:
    found = ask(zones, "missing.one.test", RdataType.A)
    assert found.rcode == dns.rcode.NXDOMAIN
    assert [(rrset.rdtype, rrset.ttl) for rrset in found.authority] == [(RdataType.SOA, 30)]


@pytest.mark.parametrize("name", ["mx1.one.test", "er.one.test"], ids=["other type", "empty non-terminal"])
def test_no_such_data_is_no_error_with_the_soa(zones: Zones, name: str) -> None:
    found = ask(zones, name, RdataType.MX)
    assert (found.rcode, found.answer) == (dns.rcode.NOERROR, ())
    assert [rrset.rdtype for rrset in found.authority] == [RdataType.SOA]


def test_wildcard_covers_what_does_not_exist(zones: Zones) -> None:
    assert answers(ask(zones, "a.b.wild.one.test", RdataType.MX)) == [
        "a.b.wild.one.test. 300 IN MX 5 mx2.one.test."
    ]
    assert ask(zones, "a.wild.one.test", RdataType.A).rcode == dns.rcode.NOERROR


def test_wildcard_does_not_cover_what_exists(zones: Zones) -> None:
    assert ask(zones, "kept.wild.one.test", RdataType.MX).answer == ()
    assert ask(zones, "below.kept.wild.one.test", RdataType.MX).rcode == dns.rcode.NXDOMAIN


def test_names_below_a_zone_cut_are_referred(zones: Zones) -> None:
    found = ask(zones, "host.sub.one.test", RdataType.A)
    assert (found.rcode, found.authoritative, found.answer) == (dns.rcode.NOERROR, False, ())
    assert [rrset.to_text() for rrset in found.authority] == ["sub.one.test. 300 IN NS ns.sub.one.test."]
    assert [rrset.to_text() for rrset in found.additional] == ["ns.sub.one.test. 300 IN A 127.0.0.53"]


def test_outside_the_zones_is_refused(zones: Zones) -> None:
    found = ask(zones, "one.example", RdataType.A)
    assert (found.rcode, found.authoritative) == (dns.rcode.REFUSED, False)


def test_any_gives_all_records_of_the_name(zones: Zones) -> None:
    assert {rrset.rdtype for rrset in ask(zones, "one.test", RdataType.ANY).answer} == {
        RdataType.SOA,
        RdataType.NS,
        RdataType.MX,
    }


def test_records_can_be_set_and_removed(zones: Zones) -> None:
    zones.set("new.one.test", "A", "127.0.0.9", "127.0.0.10")
    assert len(ask(zones, "new.one.test", RdataType.A).answer[0]) == 2
    zones.set("new.one.test", "CNAME", "mx1.one.test.")
    assert answers(ask(zones, "new.one.test", RdataType.A))[-1] == "mx1.one.test. 300 IN A 127.0.0.11"
    zones.set("new.one.test", "A", "127.0.0.9")
    assert answers(ask(zones, "new.one.test", RdataType.A)) == ["new.one.test. 60 IN A 127.0.0.9"]
    zones.remove("new.one.test", "A")
    assert ask(zones, "new.one.test", RdataType.A).rcode == dns.rcode.NXDOMAIN


def test_fresh_zone_without_a_file() -> None:
    zones = Zones()
    zones.add_origin("fresh.test")
    zones.set("fresh.test", "MX", "0 .")
    assert answers(ask(zones, "fresh.test", RdataType.MX)) == ["fresh.test. 60 IN MX 0 ."]
    assert ask(zones, "no.fresh.test", RdataType.A).authority[0].rdtype is RdataType.SOA


@pytest.mark.parametrize(
    ("name", "rdtype", "values", "complaint"),
    [
        ("host.two.test", "A", ["127.0.0.1"], "none of the zones one.test"),
        ("host.one.test", "A", ["not-an-address"], "not A data"),
        ("host.one.test", "A", [], "no values"),
        ("host..one.test", "A", ["127.0.0.1"], "not a domain name"),
    ],
)
def test_wrong_changes_are_our_own_errors(
    zones: Zones, name: str, rdtype: str, values: list[str], complaint: str
) -> None:
    with pytest.raises(LocalProtocolError, match=complaint):
        zones.set(name, rdtype, *values)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("$ORIGIN a.test.\n@ 60 IN SOA ns h 1 2 3 4 5\n@ 60 IN MX mx1\n", "bad.zone:3: "),
        ("$ORIGIN a.test.\n@ 60 IN SOA ns h 1 2 3 4 5\nwww 60 IN A 1.2.3.400\n", "bad.zone:3: "),
        (
            "$ORIGIN a.test.\n@ 60 IN SOA ns h 1 2 3 4 5\nwww 60 IN BOGUS x\n",
            "bad.zone:3: unknown rdatatype 'BOGUS'",
        ),
        (
            "$ORIGIN a.test.\n@ 60 IN SOA ns h 1 2 3 4 5\nmx.b.test. 60 IN A 1.2.3.4\n",
            "bad.zone:3: mx.b.test lies outside a.test",
        ),
        ("$ORIGIN a.test.\nwww 60 IN A 1.2.3.4\n", "bad.zone:2: www.a.test comes before any SOA"),
        ("@ 60 IN SOA ns h 1 2 3 4 5\n", "bad.zone:1: the zone has no name: begin the file with"),
        ("", "bad.zone: no SOA record"),
        ("$ORIGIN a.test.\n@ 60 IN SOA ns h 1 2 3 4 5\nx 60 IN CNAME y\nx 60 IN A 1.2.3.4\n", "bad.zone:4: "),
    ],
    ids=[
        "no preference",
        "octet too large",
        "unknown type",
        "outside",
        "no SOA first",
        "no name",
        "empty",
        "alias and data",
    ],
)
def test_bad_file_is_one_line_with_its_place(text: str, complaint: str) -> None:
    zones = Zones()
    with pytest.raises(ZoneError) as caught:
        zones.read_text(text, "bad.zone")
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)
    assert zones.origins == ()


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ZoneError, match="cannot be read: no such file"):
        Zones().read_file(tmp_path / "missing.zone")
    (tmp_path / "binary.zone").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ZoneError, match="not a text file"):
        Zones().read_file(tmp_path / "binary.zone")


def test_same_zone_twice_is_refused(zones: Zones) -> None:
    with pytest.raises(ZoneError, match=r"other.zone: the zone one.test is already given"):
        zones.read_text(ONE, "other.zone")


def test_several_zones_in_one_file() -> None:
    zones = Zones()
    soa = "60 IN SOA ns.a.test. h.a.test. 1 2 3 4 5\n"
    zones.read_text(f"a.test. {soa}www.a.test. 60 IN A 1.2.3.4\nb.test. {soa}", "both.zone")
    assert zones.origins == ("a.test", "b.test")
    assert ask(zones, "www.a.test", RdataType.A).answer
