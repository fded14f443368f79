"""The refutations of the IMAP checks do what their names say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transport.tamper import Rewrite
from suites.imap.tampering import (
    ChangedLiterals,
    During,
    Remembering,
    answered,
    counted,
    first_repeated,
    not_told,
    told_also,
)


def test_during_acts_only_while_its_command_is_the_last() -> None:
    tamperer = During(b"FETCH", Rewrite.from_server(rb"OK", b"NO")).open()
    tamperer.from_client(b"A0001 NOOP\r\n")
    assert tamperer.from_server(b"A0001 OK done\r\n") == b"A0001 OK done\r\n"
    tamperer.from_client(b"A0002 UID FETCH 1 FLAGS\r\n")
    assert tamperer.from_server(b"A0002 OK done\r\n") == b"A0002 NO done\r\n"


def test_the_octets_of_a_literal_are_no_command() -> None:
    tamperer = During(b"APPEND", Rewrite.from_client(rb"Subject", b"Subjekt")).open()
    tamperer.from_client(b"A0001 APPEND box {20}\r\n")
    assert tamperer.from_client(b"Subject: FETCH 1\r\n") == b"Subjekt: FETCH 1\r\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answered(b"NOOP", b"BAD"), b"* 1 EXISTS\r\nA0001 BAD done\r\n"),
        (answered(b"NOOP", b"BAD", of=b"NO"), b"* 1 EXISTS\r\nA0001 OK done\r\n"),
        (told_also(b"NOOP", b"* 2 EXPUNGE"), b"* 1 EXISTS\r\n* 2 EXPUNGE\r\nA0001 OK done\r\n"),
        (not_told(b"NOOP", rb"[0-9]+ EXISTS"), b"A0001 OK done\r\n"),
    ],
)
def test_answers_are_changed(script: During, expected: bytes) -> None:
    tamperer = script.open()
    tamperer.from_client(b"A0001 NOOP\r\n")
    assert tamperer.from_server(b"* 1 EXISTS\r\nA0001 OK done\r\n") == expected


def test_a_memory_is_one_connections_own() -> None:
    script = Remembering(rb"n=([0-9]+)", lambda found, memory: b"n=%d" % counted(memory, found.group(1)))
    one, other = script.open(), script.open()
    assert [one.from_server(b"n=5\r\n"), one.from_server(b"n=5\r\n")] == [b"n=0\r\n", b"n=1\r\n"]
    assert other.from_server(b"n=5\r\n") == b"n=0\r\n"


def test_the_first_answer_is_repeated_for_each_name() -> None:
    tamperer = Remembering(rb"^\* STATUS (\S+)[^\r]*", first_repeated).open()
    assert tamperer.from_server(b"* STATUS a (MESSAGES 1)\r\n") == b"* STATUS a (MESSAGES 1)\r\n"
    assert tamperer.from_server(b"* STATUS b (MESSAGES 7)\r\n") == b"* STATUS b (MESSAGES 7)\r\n"
    assert tamperer.from_server(b"* STATUS a (MESSAGES 2)\r\n") == b"* STATUS a (MESSAGES 1)\r\n"


@given(cut=st.integers(0, 60))
def test_literals_are_changed_whole_however_they_arrive(cut: int) -> None:
    octets = b"* 1 FETCH (BODY[] {9}\r\na\r\nb\r\nc\r\n)\r\nA0001 OK done\r\n"
    lines = re.findall(rb"[^\n]*\n", octets)
    border = sum(len(line) for line in lines[: cut % (len(lines) + 1)])
    tamperer = ChangedLiterals(lambda literal: literal.replace(b"\r\n", b"\n")).open()
    passed = tamperer.from_server(octets[:border]) + tamperer.from_server(octets[border:])
    assert passed == b"* 1 FETCH (BODY[] {6}\r\na\nb\nc\n)\r\nA0001 OK done\r\n"
