"""The questions that checks ask."""

from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.conformance import (
    Finding,
    observe,
    verify,
    verify_equal,
    verify_ok,
    verify_one_of,
    verify_raises,
    verify_refused,
    verify_reply,
)
from harness.conformance.observations import Observations, current
from harness.conformance.verify import show


@dataclass(frozen=True)
class Reply:
    code: int
    octets: bytes = b"250 OK\r\n"


@dataclass(frozen=True)
class Response:
    ok: bool
    octets: bytes = b"-ERR no\r\n"
    code: str | None = None


class Kind(StrEnum):
    OK = "OK"
    NO = "NO"
    BAD = "BAD"


@dataclass(frozen=True)
class Status:
    kind: Kind


@dataclass(frozen=True)
class Result:
    tagged: Status


def finding(action, *arguments, **more) -> Finding:
    with pytest.raises(Finding) as caught:
        action(*arguments, **more)
    return caught.value


def test_verify_shows_both_sides():
    verify(True, expected="x", actual="y")
    found = finding(verify, b"", expected="something", actual=b"\x00")
    assert (found.expected, found.actual) == ("something", r"b'\x00'")
    assert str(found) == r"expected something; got b'\x00'"
    assert finding(verify, False, expected="x", actual="in words").actual == "in words"


def test_octets_that_differ_say_where():
    verify_equal("text", expected=b"abc", actual=b"abc")
    found = finding(verify_equal, "text", expected=b"abcdef", actual=b"abXdef")
    assert found.expected == "text: b'abcdef'"
    assert "first difference at octet 2 of 6" in found.actual
    assert (
        "first difference at octet 3 of 6"
        in finding(verify_equal, "t", expected=b"abcdef", actual=b"abc").actual
    )


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_the_first_difference_is_the_first(expected, actual):
    if expected == actual:
        verify_equal("text", expected=expected, actual=actual)
        return
    found = finding(verify_equal, "text", expected=expected, actual=actual)
    offset = int(found.actual.split("first difference at octet ")[1].split()[0])
    assert expected[:offset] == actual[:offset]
    assert expected[offset : offset + 1] != actual[offset : offset + 1]


def test_one_of_several_legal_answers():
    verify_one_of("flag", expected=("a", "b"), actual="b")
    assert finding(verify_one_of, "flag", expected=("a", "b"), actual="c").expected == "flag: 'a' or 'b'"


@pytest.mark.parametrize("legal", [250, "250", "2yz", "25z", {250, 251}, ("4yz", 250)])
def test_a_reply_with_a_legal_code(legal):
    verify_reply(Reply(250), code=legal)


@pytest.mark.parametrize("legal", [251, "251", "3yz", "24z", {251, 252}, ("4yz", "5yz"), ()])
def test_a_reply_with_another_code(legal):
    found = finding(verify_reply, Reply(250), code=legal, why="RFC 5321 §4.3.2")
    assert "RFC 5321 §4.3.2" in found.expected
    assert found.actual == r"b'250 OK\r\n'"


@pytest.mark.parametrize("nonsense", ["2xx!", "yz2", "xyz", "25"])
def test_a_class_that_is_none_is_our_mistake(nonsense):
    with pytest.raises(ValueError, match="2yz"):
        verify_reply(Reply(250), code=nonsense)


def test_positive_answers():
    verify_ok(Response(ok=True))
    verify_ok(Result(Status(Kind.OK)))
    assert finding(verify_ok, Response(ok=False), "RFC 1939 §5").expected == "+OK (RFC 1939 §5)"
    assert "a tagged OK" in finding(verify_ok, Result(Status(Kind.NO))).expected


def test_refusals():
    verify_refused(Response(ok=False))
    verify_refused(Result(Status(Kind.BAD)))
    verify_refused(Reply(550))
    verify_refused(Reply(451))
    assert finding(verify_refused, Response(ok=True)).expected == "-ERR"
    assert "4yz or 5yz" in finding(verify_refused, Reply(250)).expected
    assert "a tagged BAD or NO" in finding(verify_refused, Result(Status(Kind.OK))).expected
    assert "a tagged NO" in finding(verify_refused, Result(Status(Kind.BAD)), kinds=("NO",)).expected


def test_an_end_that_must_come():
    def closes():
        raise ConnectionError

    verify_raises(ConnectionError, closes, expected="x", actual="y")
    assert (
        finding(verify_raises, ConnectionError, lambda: None, expected="closed", actual="open").actual
        == "open"
    )


def test_long_octets_are_cut_in_the_middle_and_say_how_long_they_are():
    assert show(b"abc") == "b'abc'"
    text = show(b"a" * 5000 + b"z")
    assert len(text) < 2200
    assert text.startswith("b'aaa")
    assert text.endswith("z'")
    assert "5001 octets" in text


def test_observations_are_kept_once_and_in_their_order_and_only_inside_a_check():
    observe("outside", 1)
    noted = Observations()
    token = current.set(noted)
    try:
        for value in (250, 252, 250, "words"):
            observe("reply", value)
        for number in range(100):
            observe("many", number)
    finally:
        current.reset(token)
    facts = noted.facts()
    assert facts["reply"] == ("250", "252", "words")
    assert len(facts["many"]) == 20
    assert "outside" not in facts
