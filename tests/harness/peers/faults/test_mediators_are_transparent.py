"""A mediator whose hooks do nothing lets every octet pass, however it is cut and whatever it is."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.faults import mediation
from harness.peers.faults.mediation import Answer
from harness.peers.faults.pop3 import mediator as pop3
from harness.peers.faults.smtp import mediator as smtp
from harness.transport.interpose import Interposer, Spoken, ToClient, ToServer

CLIENT_WORDS = [
    *(
        b"EHLO x",
        b"MAIL FROM:<>",
        b"rcpt to:<a@b>",
        b"DATA",
        b"BDAT 5 LAST",
        b"BDAT 3",
        b"BDAT 99999999999999999999999",
    ),
    *(
        b"AUTH PLAIN",
        b"AUTH",
        b"STARTTLS",
        b"*",
        b"USER a",
        b"PASS b",
        b"RETR 1",
        b"TOP 1 0",
        b"LIST",
        b"LIST 2",
    ),
    *(b"UIDL", b"CAPA", b"DELE 1", b"STLS", b"QUIT", b"", b".", b"\r\n."),
]
SERVER_WORDS = [
    *(
        b"220 hi",
        b"250-a\r\n250-SIZE 5\r\n250 b",
        b"250 ok",
        b"354 go",
        b"354-go",
        b"334 ",
        b"235 in",
        b"503 no",
    ),
    *(b"+OK", b"-ERR", b"+ ", b"\r\n.", b".", b"..", b"1 2", b""),
]
FRAGMENTS = [
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"..",
    b"\n.\r",
    b"\0",
    b"\xff\xfe",
    b" ",
    b"250-",
    b"+OK x",
    b"RSET\n",
]


class _Smtp(smtp.SmtpMediator):
    """Has all hooks, and none of them does anything."""

    def command(self, command: smtp.Command) -> smtp.Decision:
        assert command.verb is not None
        assert command.argument is not None
        assert command.path is not None
        return None

    def reply(self, command: smtp.Command, reply: smtp.Reply) -> bytes | None:
        assert reply.enhanced_codes is not None
        return None

    def text(self, text: smtp.MailText) -> smtp.Decision:
        assert text.message is not None
        return None


class _Pop3(pop3.Pop3Mediator):
    def command(self, command: pop3.Command) -> pop3.Decision:
        assert command.number >= 0
        return None

    def reply(self, command: pop3.Command, response: pop3.Response) -> bytes | None:
        assert response.lines is not None
        assert (
            response.octets
            == (response.status if response.wire is None else response.with_body(response.body))
            or response.body != response.wire
        )
        return None


MEDIATORS: list[Callable[[], Interposer]] = [
    partial(kind, spoken) for kind in (smtp.SmtpMediator, _Smtp) for spoken in (Spoken.SMTP, Spoken.LMTP)
] + [partial(kind, Spoken.POP3) for kind in (pop3.Pop3Mediator, _Pop3)]


def pieces(words: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """Octets that look like the protocol, and some that do not, cut anywhere."""
    lines = st.sampled_from([word + b"\r\n" for word in words])
    one = st.one_of(lines, lines, st.sampled_from(FRAGMENTS), st.binary(max_size=6))
    joined = st.lists(one, max_size=25).map(b"".join)
    return st.tuples(joined, st.sets(st.integers(0, 300))).map(
        lambda drawn: [piece for piece in cut(drawn[0], sorted(drawn[1])) if piece]
    )


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *places, len(octets)]
    return [octets[start:end] for start, end in pairwise(borders)]


@pytest.mark.parametrize("make", MEDIATORS)
@given(client=pieces(CLIENT_WORDS), server=pieces(SERVER_WORDS), order=st.randoms(use_true_random=False))
def test_every_octet_passes(make, client, server, order) -> None:
    interposer = make()
    to_server, to_client = b"", b""
    turns = [(True, piece) for piece in client] + [(False, piece) for piece in server]
    waiting = {True: iter(client), False: iter(server)}
    sides = [is_client for is_client, _ in turns]
    order.shuffle(sides)
    for side in [*sides, True, False]:
        octets = next(waiting[side], b"")
        for action in interposer.from_client(octets) if side else interposer.from_server(octets):
            match action:
                case ToServer(passing):
                    to_server += passing
                case ToClient(passing):
                    to_client += passing
                case _:
                    raise AssertionError(action)
    assert to_server == b"".join(client)
    assert to_client == b"".join(server)


def test_nothing_is_held_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediation, "MAX_HELD_OCTETS", 1000)
    monkeypatch.setattr(mediation, "MAX_LINE_OCTETS", 100)
    monkeypatch.setattr(smtp, "MAX_HELD_OCTETS", 1000)
    monkeypatch.setattr(pop3, "MAX_HELD_OCTETS", 1000)
    for make in MEDIATORS:
        for beginning, octets in (
            (b"", b"x"),
            (b"DATA\r\n", b"y"),
            (b"RETR 1\r\n", b"z"),
            (b"AUTH x\r\n", b"w"),
        ):
            for reply in (b"220 hi\r\n354 go\r\n", b"+OK\r\n+OK\r\n", b"220 hi\r\n250-", b""):
                interposer = make()
                sent = beginning + octets * 3000
                said = reply + b"v" * 3000
                interposer.from_client(beginning)
                passed = sum(len(action.octets) for action in interposer.from_server(said))
                passed += sum(len(action.octets) for action in interposer.from_client(octets * 3000))
                assert passed >= len(sent) + len(said) - len(beginning) - 2300, (make, beginning, reply)


def test_answers_come_in_the_order_of_commands() -> None:
    class Refuses(smtp.SmtpMediator):
        def command(self, command: smtp.Command) -> smtp.Decision:
            return Answer(b"502 no\r\n") if command.verb == b"NOOP" else None

    interposer = Refuses(Spoken.SMTP)
    assert interposer.from_server(b"220 hi\r\n") == [ToClient(b"220 hi\r\n")]
    assert interposer.from_client(b"MAIL FROM:<>\r\nNOOP\r\nRSET\r\n") == [
        ToServer(b"MAIL FROM:<>\r\nRSET\r\n")
    ]
    assert interposer.from_server(b"250 sender\r\n250 re") == [ToClient(b"250 sender\r\n502 no\r\n")]
    assert interposer.from_server(b"set\r\n") == [ToClient(b"250 reset\r\n")]


def test_own_commands_are_answered_to_nobody_but_the_fault() -> None:
    heard: list[bytes] = []

    class Asks(pop3.Pop3Mediator):
        def command(self, command: pop3.Command) -> pop3.Decision:
            if command.verb == b"DELE":
                self.ask(b"LIST\r\n", lambda response: heard.extend(response.lines))
            return None

    interposer = Asks(Spoken.POP3)
    interposer.from_server(b"+OK\r\n")
    assert interposer.from_client(b"dele 1\r\n") == [ToServer(b"LIST\r\ndele 1\r\n")]
    assert interposer.from_server(b"+OK\r\n1 5\r\n.\r") == []
    assert interposer.from_server(b"\n+OK marked\r\n") == [ToClient(b"+OK marked\r\n")]
    assert heard == [b"1 5"]
    assert interposer.deleted == {1}
