"""NOTIFY, RET, ENVID and ORCPT: what they may be, and what they mean (RFC 3461 §4, RFC 6533 §3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.codec.smtp.notification import (
    read_envid,
    read_notify,
    read_orcpt,
    read_ret,
    write_orcpt,
)
from reference_server.codec.smtp.parameters import ParameterError, decode_xtext, encode_xtext

PRINTABLE = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
ANY_TEXT = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=30)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("NEVER", "NEVER"),
        ("never", "NEVER"),
        ("SUCCESS", "SUCCESS"),
        ("Success,failure,DELAY", "SUCCESS FAILURE DELAY"),
        ("DELAY,DELAY", "DELAY"),
        ("DELAY,,FAILURE", "DELAY FAILURE"),
    ],
)
def test_notify(value: str, words: str) -> None:
    assert read_notify(value) == frozenset(words.split())


@pytest.mark.parametrize(
    "value", [None, ",", "NEVER,SUCCESS", "SUCCESS,NEVER", "NEVER,", "NEVER,NEVER", "ALWAYS", "SUCCESS;DELAY"]
)
def test_what_is_no_notify(value: str | None) -> None:
    with pytest.raises(ParameterError):
        read_notify(value)


def test_ret() -> None:
    assert (read_ret("full"), read_ret("HDRS")) == ("FULL", "HDRS")
    for value in (None, "", "BODY", "FULL,HDRS"):
        with pytest.raises(ParameterError):
            read_ret(value)


def test_envid() -> None:
    assert read_envid("QQ314159+2B+20x") == "QQ314159+ x"
    assert read_envid("x" * 100)
    for value in (None, "x" * 101, "a+0D+0Ab", "a+FF", "a+", "a+2b", "\u00e9"):
        with pytest.raises(ParameterError):
            read_envid(value)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("rfc822;Bob@Example.Test", "rfc822;Bob@Example.Test"),
        ("rfc822;a+2Bb+3Dc@example.test", "rfc822;a+b=c@example.test"),
        ("rfc822;", "rfc822;"),
        ("x400;/C+3DDE/;x", "x400;/C=DE/;x"),
        ("utf-8;\u6d4b\u8bd5@example.test", "utf-8;\u6d4b\u8bd5@example.test"),
        (r"utf-8;\x{6D4B}\x{8bd5}\x{2B}\x{5C}@example.test", "utf-8;\u6d4b\u8bd5+\\@example.test"),
        (r"UTF-8;\x{1F600}@example.test", "UTF-8;\U0001f600@example.test"),
        ("utf-8;a+2Bb@example.test", "utf-8;a+b@example.test"),
    ],
)
def test_orcpt(value: str, meaning: str) -> None:
    assert read_orcpt(value) == meaning


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "bob@example.test",
        ";bob@example.test",
        "rfc 822;x",
        "rfc822(x);y",
        "rfc822;a=b",
        "rfc822;a+0Ab",
        "rfc822;\u00e9@example.test",
        r"utf-8;\x{D800}+",
        "rfc822;" + "x" * 488,
    ],
)
def test_what_is_no_orcpt(value: str | None) -> None:
    with pytest.raises(ParameterError):
        read_orcpt(value)


def test_the_longest_orcpt() -> None:
    value = "rfc822;" + "x" * 487
    assert len("ORCPT=" + value) == 500
    assert read_orcpt(value) == value


@given(PRINTABLE)
def test_orcpt_is_read_as_it_was_written(address: str) -> None:
    assert read_orcpt(write_orcpt(f"rfc822;{address}")) == f"rfc822;{address}"


@given(ANY_TEXT.filter(bool), st.booleans())
def test_utf_8_addresses_are_read_as_they_were_written(address: str, smtputf8: bool) -> None:
    written = write_orcpt(f"utf-8;{address}", smtputf8=smtputf8)
    assert smtputf8 or written.isascii()
    assert not set(written) & set(" +=")
    assert read_orcpt(written) == f"utf-8;{address}"


@given(st.binary(max_size=30))
def test_xtext_is_read_as_it_was_written(octets: bytes) -> None:
    assert decode_xtext(encode_xtext(octets)) == octets
