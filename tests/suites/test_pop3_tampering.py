"""The refutations that know POP3 touch what they say, and no other protocol's connections."""

import pytest

from harness.transport.tamper import Rewrite, Script, Tamperer
from suites.rfc1939.tampering import After, BySession, FirstAnswer, PerSend, While, answered, taken_for
from suites.rfc2595.tampering import Injected

UPPER = Rewrite.from_server(rb"ok", b"OK")


def in_pop3(script: Script) -> Tamperer:
    tamperer = script.open()
    assert tamperer.from_server(b"+OK ok\r\n") == b"+OK ok\r\n"
    return tamperer


@pytest.mark.parametrize("greeting", [b"220 ok ESMTP\r\n", b"* OK ok IMAP\r\n"])
@pytest.mark.parametrize(
    "script",
    [
        While(rb"NOOP", UPPER, Rewrite.from_client(rb"NOOP", b"RSET")),
        After(rb"NOOP", While(rb"NOOP", UPPER)),
        FirstAnswer(rb"NOOP"),
        BySession(lambda _: While(rb"NOOP", UPPER)),
        PerSend(lambda _: b""),
    ],
)
def test_other_protocols_are_left_alone(script: Script, greeting: bytes) -> None:
    tamperer = script.open()
    assert tamperer.from_server(greeting) == greeting
    for _ in range(2):
        assert tamperer.from_client(b"NOOP\r\n") == b"NOOP\r\n"
        assert tamperer.from_server(b"250 ok\r\n") == b"250 ok\r\n"
        assert tamperer.from_server(b"251 ok\r\n") == b"251 ok\r\n"


def test_only_while_the_command_is_answered() -> None:
    tamperer = in_pop3(While(rb"stat", UPPER))
    assert tamperer.from_client(b"STAT\r\n") == b"STAT\r\n"
    assert tamperer.from_server(b"+OK 1 ok\r\n") == b"+OK 1 OK\r\n"
    assert tamperer.from_client(b"NOOP\r\n") == b"NOOP\r\n"
    assert tamperer.from_server(b"+OK ok\r\n") == b"+OK ok\r\n"


def test_only_after_another_command() -> None:
    tamperer = in_pop3(After(rb"PASS", answered(rb"CAPA", b"-ERR")))
    tamperer.from_client(b"CAPA\r\n")
    assert tamperer.from_server(b"+OK\r\n.\r\n") == b"+OK\r\n.\r\n"
    tamperer.from_client(b"PASS x\r\n")
    assert tamperer.from_server(b"+OK in\r\n") == b"+OK in\r\n"
    tamperer.from_client(b"CAPA\r\n")
    assert tamperer.from_server(b"+OK list\r\n.\r\n") == b"-ERR\r\n.\r\n"


def test_a_command_is_taken_for_another() -> None:
    tamperer = in_pop3(taken_for(rb"RETR 2", b"RETR 1"))
    assert tamperer.from_client(b"RETR 2\r\n") == b"RETR 1\r\n"
    assert tamperer.from_client(b"RETR 22\r\n") == b"RETR 22\r\n"


def test_the_first_answer_comes_again() -> None:
    tamperer = in_pop3(FirstAnswer(rb"STAT"))
    tamperer.from_client(b"STAT\r\n")
    assert tamperer.from_server(b"+OK 2 20\r\n") == b"+OK 2 20\r\n"
    tamperer.from_client(b"DELE 1\r\n")
    assert tamperer.from_server(b"+OK\r\n") == b"+OK\r\n"
    tamperer.from_client(b"STAT\r\n")
    assert tamperer.from_server(b"+OK 1 10\r\n") == b"+OK 2 20\r\n"


def test_sessions_are_counted() -> None:
    script = BySession(lambda number: answered(rb"PASS" if number % 2 else rb"(?!)", b"-ERR"))
    answers = []
    for _ in range(3):
        tamperer = in_pop3(script)
        tamperer.from_client(b"PASS x\r\n")
        answers.append(tamperer.from_server(b"+OK\r\n"))
    assert answers == [b"+OK\r\n", b"-ERR\r\n", b"+OK\r\n"]


def test_what_came_behind_stls_is_kept() -> None:
    tamperer = Injected().open()
    assert tamperer.from_client(b"STLS\r\nNOOP\r\n") == b"STLS\r\n"
    assert tamperer.from_client(b"QUIT\r\n") == b"NOOP\r\nQUIT\r\n"
    assert tamperer.from_client(b"QUIT\r\n") == b"QUIT\r\n"
