"""The mediator of IMAP: it reads both sides, and passes every octet on unless a hook says otherwise."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.faults import mediation
from harness.peers.faults.imap import frames
from harness.peers.faults.imap.mediator import (
    Answer,
    Asked,
    Command,
    CommandDecision,
    ImapMediator,
    OnTheSide,
    Response,
    ResponseDecision,
)
from harness.transport.interpose import Action, ToClient, ToServer


def passed(actions: Iterable[Action]) -> tuple[bytes, bytes]:
    """What went to the server, and what to the client."""
    to_server, to_client = b"", b""
    for action in actions:
        match action:
            case ToServer(octets):
                to_server += octets
            case ToClient(octets):
                to_client += octets
            case _:
                raise AssertionError(action)
    return to_server, to_client


class Wire:
    """A mediator between a client and a server that are played by a test."""

    def __init__(self, mediator: ImapMediator) -> None:
        self.mediator = mediator

    def client(self, octets: bytes) -> tuple[bytes, bytes]:
        return passed(self.mediator.from_client(octets))

    def server(self, octets: bytes) -> tuple[bytes, bytes]:
        return passed(self.mediator.from_server(octets))


SAID_BY_CLIENTS = [
    b"a1 LOGIN joe secret\r\n",
    b"a2 login {3}\r\njoe {6}\r\nsecret\r\n",
    b'a3 SELECT "a box"\r\n',
    b"a4 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)]<0.5>)\r\n",
    b"a5 APPEND box (\\Seen) {5+}\r\nhello\r\n",
    b"a6 APPEND box ~{5}\r\n\0\r\n\xff.\r\n",
    b"a7 IDLE\r\n",
    b"DONE\r\n",
    b"a8 AUTHENTICATE PLAIN\r\n",
    b"AGpvZQBzZWNyZXQ=\r\n",
    b"a9 STARTTLS\r\n",
    b"b1 COMPRESS DEFLATE\r\n",
    b"b2 NOOP\r\nb3 NOOP\r\n",
    b"b4 LOGOUT\r\n",
    b"garbage\n",
    b"{4}\r\n",
    b"x {99999999999}\r\n",
]
SAID_BY_SERVERS = [
    b"* OK ready\r\n",
    b"* 3 EXISTS\r\n",
    b"* 1 EXPUNGE\r\n",
    b"* 2 FETCH (FLAGS () BODY[] {7}\r\na\r\n)\r\n\r)\r\n",
    b"* SEARCH\r\n",
    b"* LIST () {1}\r\n/ {2}\r\nab\r\n",
    b"+ go on\r\n",
    b"+\r\n",
    *(b"%b OK done\r\n" % tag for tag in (b"a1", b"a2", b"a3", b"a4", b"a7", b"a8", b"b1", b"b2")),
    b"a2 NO no {3}\r\n",
    b"a6 NO [TRYCREATE] no\r\n",
    b"* BAD what?\r\n",
    b"* BYE gone\r\n",
    b"* NO [BADCHARSET ({5}\r\nutf-8)] no\r\n",
    b"* 1 FETCH (BODY[] {99999}\r\n",
    b"zZproxy1 OK not yours\r\n",
    b"\xff\0{3}\n",
]
CHUNKS = st.lists(st.tuples(st.booleans(), st.binary(max_size=30)))


@given(CHUNKS)
def test_random_octets_pass_either_way(chunks: list[tuple[bool, bytes]]) -> None:
    check_transparent(chunks)


@given(st.data())
def test_imap_passes_either_way_however_it_is_cut(data: st.DataObject) -> None:
    sides = []
    for said in (SAID_BY_CLIENTS, SAID_BY_SERVERS):
        octets = b"".join(data.draw(st.lists(st.sampled_from(said), max_size=12)))
        cuts = sorted(data.draw(st.sets(st.integers(0, len(octets)), max_size=12)))
        sides.append([octets[i:j] for i, j in zip([0, *cuts], [*cuts, len(octets)], strict=True)])
    order = data.draw(st.permutations([True] * len(sides[0]) + [False] * len(sides[1])))
    pieces = [iter(sides[1]), iter(sides[0])]
    check_transparent([(side, next(pieces[side])) for side in order])


def check_transparent(chunks: list[tuple[bool, bytes]]) -> None:
    wire = Wire(ImapMediator())
    to_server, to_client = b"", b""
    for from_client, octets in chunks:
        if octets:
            there, back = (wire.client if from_client else wire.server)(octets)
            to_server, to_client = to_server + there, to_client + back
    for there, back in (wire.server(b""), wire.client(b"")):
        to_server, to_client = to_server + there, to_client + back
    assert to_server == b"".join(octets for from_client, octets in chunks if from_client)
    assert to_client == b"".join(octets for from_client, octets in chunks if not from_client)


def test_what_is_held_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_HELD_OCTETS", 10_000)
    wire = Wire(ImapMediator())
    response = b"* 1 FETCH (BODY[] {1000000}\r\n" + b"x" * 1_000_000 + b")\r\n"
    went = [wire.server(response[start : start + 1000])[1] for start in range(0, len(response), 1000)]
    assert b"".join(went) == response
    assert sum(map(len, went[:20])) > 9_000
    line = b"y" * (mediation.MAX_LINE_OCTETS + 100)
    assert wire.client(line)[0] == b""
    assert wire.client(b"\r\n" + line * 2)[0].startswith(line + b"\r\n")


class Recording(ImapMediator):
    """Notes what its hooks see."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: list[Command] = []
        self.responses: list[tuple[bytes | None, bytes]] = []

    def command(self, command: Command) -> CommandDecision:
        self.commands.append(command)
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        self.responses.append((command.verb if command else None, response.octets))
        return None


def test_hooks_see_commands_and_what_is_said_to_them() -> None:
    mediator = Recording()
    wire = Wire(mediator)
    wire.server(b"* OK hi\r\n")
    wire.client(b'a UID fetch 1:2 (BODY[] "x y")\r\nb NO')
    wire.client(b"OP\r\n")
    wire.server(b"* 1 FETCH (BODY[] {4}\r\n\r\n)\r")
    wire.server(b" UID 7)\r\na OK \r\n* 5 EXISTS\r\nb OK [X y] fine\r\n* 6 EXISTS\r\n")
    first, second = mediator.commands
    assert (first.tag, first.verb, first.uid, first.words) == (
        b"a",
        b"FETCH",
        True,
        [b"1:2", b'(BODY[] "x y")'],
    )
    assert (second.tag, second.verb, second.uid, second.words) == (b"b", b"NOOP", False, [])
    assert mediator.responses == [
        (None, b"* OK hi\r\n"),
        (b"FETCH", b"* 1 FETCH (BODY[] {4}\r\n\r\n)\r UID 7)\r\n"),
        (b"FETCH", b"a OK \r\n"),
        (b"NOOP", b"* 5 EXISTS\r\n"),
        (b"NOOP", b"b OK [X y] fine\r\n"),
        (None, b"* 6 EXISTS\r\n"),
    ]


def test_the_state_of_the_session_is_known() -> None:
    mediator = ImapMediator()
    wire = Wire(mediator)
    wire.client(b"a LOGIN x y\r\n")
    wire.server(b"a OK in\r\n")
    assert mediator.authenticated
    wire.client(b"b EXAMINE {5+}\r\ninbox\r\n")
    wire.server(b"* 4 EXISTS\r\nb OK [READ-ONLY] open\r\n* 2 EXPUNGE\r\n")
    assert (mediator.selected, mediator.read_only, mediator.exists) == (b"INBOX", True, 3)
    wire.client(b"c SELECT other\r\n")
    wire.server(b"c NO no such thing\r\n")
    assert mediator.selected is None
    wire.client(b'd SELECT "ot\\"her"\r\n')
    wire.server(b"d OK [READ-WRITE] open\r\n")
    assert (mediator.selected, mediator.read_only) == (b'ot"her', False)
    wire.client(b"e CLOSE\r\n")
    wire.server(b"e OK closed\r\n")
    assert mediator.selected is None


def test_a_literal_passes_when_the_server_has_asked_for_it() -> None:
    mediator = Recording()
    wire = Wire(mediator)
    assert wire.client(b"a APPEND box {5}\r\n") == (b"a APPEND box {5}\r\n", b"")
    assert wire.client(b"a b\r\n") == (b"", b"")
    assert wire.server(b"+ go on\r\n") == (b"a b\r\n", b"+ go on\r\n")
    assert wire.client(b"\r\nb NOOP\r\n") == (b"\r\nb NOOP\r\n", b"")
    assert [command.verb for command in mediator.commands] == [b"APPEND", b"NOOP"]
    assert mediator.commands[0].words == [b"box", b"{5}\r\na b\r\n"]


def test_a_refused_literal_is_not_awaited() -> None:
    mediator = Recording()
    wire = Wire(mediator)
    wire.client(b"a APPEND box {5}\r\n")
    wire.server(b"a NO [TRYCREATE] no\r\n")
    assert wire.client(b"b NOOP\r\n")[0] == b"b NOOP\r\n"
    assert [command.verb for command in mediator.commands] == [b"APPEND", b"NOOP"]


def test_idle_and_authentication_are_no_commands() -> None:
    mediator = Recording()
    wire = Wire(mediator)
    assert wire.client(b"a AUTHENTICATE PLAIN\r\nQQ==\r\n") == (b"a AUTHENTICATE PLAIN\r\n", b"")
    assert wire.server(b"+\r\n") == (b"QQ==\r\n", b"+\r\n")
    wire.server(b"a OK in\r\n")
    wire.client(b"b IDLE\r\n")
    wire.server(b"+ idling\r\n")
    wire.server(b"* 1 EXISTS\r\n")
    assert wire.client(b"DONE\r\nc NOOP\r\n")[0] == b"DONE\r\nc NOOP\r\n"
    assert [command.verb for command in mediator.commands] == [b"AUTHENTICATE", b"IDLE", b"NOOP"]
    assert mediator.responses[-1] == (b"IDLE", b"* 1 EXISTS\r\n")


def test_what_is_said_in_clear_behind_starttls_passes_and_is_forgotten_under_tls() -> None:
    wire = Wire(ImapMediator())
    assert wire.client(b"a STARTTLS\r\nb NOOP\r\nc NO")[0] == b"a STARTTLS\r\nb NOOP\r\n"
    wire.server(b"a OK go\r\n* hal")
    wire.mediator.tls_started()
    assert wire.mediator.tls
    assert wire.client(b"d NOOP\r\n")[0] == b"d NOOP\r\n"
    assert wire.server(b"d OK\r\n")[1] == b"d OK\r\n"


def test_behind_compress_all_passes_unread() -> None:
    wire = Wire(ImapMediator())
    wire.client(b"a COMPRESS DEFLATE\r\n")
    assert wire.server(b"a OK go\r\n\0\1") == (b"", b"a OK go\r\n\0\1")
    assert wire.client(b"\xffno line") == (b"\xffno line", b"")
    assert wire.server(b"neither") == (b"", b"neither")


class Answering(ImapMediator):
    def command(self, command: Command) -> CommandDecision:
        return Answer(command.answer(b"NO")) if command.verb in {b"STORE", b"APPEND"} else None


def test_an_answer_waits_for_its_turn() -> None:
    wire = Wire(Answering())
    assert wire.client(b"a FETCH 1 FLAGS\r\nb STORE 1 FLAGS ()\r\nc NOOP\r\n") == (
        b"a FETCH 1 FLAGS\r\nc NOOP\r\n",
        b"",
    )
    assert wire.server(b"a OK\r\n")[1] == b"a OK\r\nb NO so be it\r\n"
    assert wire.server(b"c OK\r\n")[1] == b"c OK\r\n"


def test_a_command_that_is_answered_takes_its_literal_along() -> None:
    wire = Wire(Answering())
    assert wire.client(b"a APPEND x {3+}\r\nabc\r\nb NOOP\r\n") == (b"b NOOP\r\n", b"a NO so be it\r\n")
    wire.server(b"b OK\r\n")
    assert wire.client(b"c APPEND x {3}\r\n") == (b"", b"c NO so be it\r\n")
    assert wire.client(b"d NOOP\r\n")[0] == b"d NOOP\r\n"
    big = b"e APPEND x {%d+}\r\n" % (2 << 20) + b"z" * (2 << 20) + b"\r\n"
    wire.server(b"d OK\r\n")
    assert wire.client(big + b"f NOOP\r\n") == (b"f NOOP\r\n", b"e NO so be it\r\n")


class Whole(ImapMediator):
    whole = frozenset({b"APPEND"})

    def command(self, command: Command) -> CommandDecision:
        return command.octets.replace(b"abc", b"ABC") if command.verb == b"APPEND" else None


def test_a_command_that_is_wanted_whole_is_asked_for_here() -> None:
    wire = Wire(Whole())
    assert wire.client(b"a APPEND x {3}\r\n") == (b"", b"+ go on\r\n")
    assert wire.client(b"abc\r\nb NOOP\r\n") == (b"a APPEND x {3}\r\n", b"")
    assert wire.server(b"+ ok\r\n") == (b"ABC\r\nb NOOP\r\n", b"")


def test_a_refusal_of_a_literal_that_we_send_ends_the_command() -> None:
    wire = Wire(Whole())
    wire.client(b"a APPEND x {3}\r\nabc\r\nb NOOP\r\n")
    assert wire.server(b"a NO\r\n") == (b"b NOOP\r\n", b"a NO\r\n")


def test_what_completes_another_command_does_not_end_it() -> None:
    wire = Wire(Whole())
    wire.client(b"a NOOP\r\nb APPEND x {3}\r\nabc\r\n")
    assert wire.server(b"a OK\r\n") == (b"", b"a OK\r\n")
    assert wire.server(b"+ ok\r\n") == (b"ABC\r\n", b"")


class Inquiring(ImapMediator):
    """Asks before commands, and before it passes what completes them."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"FETCH":
            found = yield b"SEARCH ALL"
            return command.with_words([b"%d" % found.numbers[-1], b"FLAGS"])
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if command is None or command.verb != b"COPY" or not response.is_tagged:
            return None
        return self._completed(response)

    def _completed(self, response: Response) -> ResponseDecision:
        asked = yield OnTheSide(b"STATUS x (MESSAGES)")
        assert asked.ok
        return response.with_code(b"X %d" % len(asked.responses))


def test_a_hook_asks_before_it_decides_about_a_command() -> None:
    wire = Wire(Inquiring())
    assert wire.client(b"a FETCH 1 X\r\nb NOOP\r\n") == (b"zZproxy1 SEARCH ALL\r\n", b"")
    assert wire.server(b"* 9 EXISTS\r\n* SEARCH 3 9\r\n") == (b"", b"* 9 EXISTS\r\n")
    assert wire.server(b"zZproxy1 OK\r\n") == (b"a FETCH 9 FLAGS\r\nb NOOP\r\n", b"")
    assert wire.mediator.exists == 9


def test_a_hook_asks_before_it_decides_about_a_response() -> None:
    wire = Wire(Inquiring())
    wire.client(b"a COPY 1 x\r\nb NOOP\r\n")
    assert wire.server(b"a OK [Y] fine\r\n") == (b"zZproxy1 STATUS x (MESSAGES)\r\n", b"")
    assert wire.client(b"c NOOP\r\n") == (b"", b"")
    assert wire.server(b"* 4 EXISTS\r\nb OK\r\n* 5 EXISTS\r\n* STATUS x (MESSAGES 1)\r\n") == (b"", b"")
    there, back = wire.server(b"zZproxy1 OK\r\n")
    assert there == b"c NOOP\r\n"
    assert back == b"a OK [X 2] fine\r\n* 4 EXISTS\r\nb OK\r\n"


def test_a_hook_that_cannot_ask_gets_nothing() -> None:
    class DuringIdle(ImapMediator):
        heard: Asked | None = None

        def response(self, command: Command | None, response: Response) -> ResponseDecision:
            return self._told() if response.word == b"EXISTS" else None

        def _told(self) -> ResponseDecision:
            self.heard = yield b"NOOP"
            return b""

    mediator = DuringIdle()
    wire = Wire(mediator)
    wire.client(b"a IDLE\r\n")
    wire.server(b"+ idling\r\n")
    assert wire.server(b"* 1 EXISTS\r\n* 1 RECENT\r\n") == (b"", b"* 1 RECENT\r\n")
    assert mediator.heard is not None
    assert not mediator.heard.ok


def test_the_end_of_the_server_lets_pass_what_is_held() -> None:
    wire = Wire(Inquiring())
    wire.client(b"a COPY 1 x\r\n")
    wire.server(b"a OK fine\r\n")
    assert wire.server(b"* BYE gone\r\n") == (b"", b"* BYE gone\r\n")
    assert wire.server(b"") == (b"", b"a OK fine\r\n")
