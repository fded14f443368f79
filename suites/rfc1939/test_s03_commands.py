from collections.abc import Sequence

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import MUST, PROSE, Need, given, requirement, verify_equal, verify_ok, verify_refused
from harness.strategies import chunks, commands
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import answer, authorizing, filled, need_user, notes
from suites.rfc1939.tampering import PerSend, While, answered, taken_for

_MULTI_LINE = frozenset({b"LIST", b"UIDL", b"RETR 1", b"RETR 2", b"TOP 1 0", b"TOP 2 1"})
_SINGLE_LINE = (b"STAT", b"NOOP", b"LIST 1", b"UIDL 2", b"DELE 1", b"DELE 2", b"RSET", b"LIST 9", b"DELE 0")
_COMMANDS = (*sorted(_MULTI_LINE), *_SINGLE_LINE)


def in_any_case(lines: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the command lines, the letters of its keyword in any case."""
    return st.sampled_from(lines).flatmap(commands.case_variants)


@requirement(
    "rfc1939/3/keyword-case",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"(?-i:[A-Z]*[a-z])", Rewrite.from_client(rb"\A[A-Za-z]+", b"XTND")),
)
@example(lines=[line.lower() for line in _COMMANDS])
@given(lines=st.lists(in_any_case(_COMMANDS), min_size=1, max_size=6))
def test_keywords_have_no_case(target: Target, lines: list[bytes]) -> None:
    """A command is answered as the same command in upper case is."""
    with filled(target, notes(2)) as (_, peer):
        for line in lines:
            upper = line.upper()
            verify_ok(peer.rset())
            expected = answer(upper, peer.command(upper, multiline=upper in _MULTI_LINE))
            verify_ok(peer.rset())
            actual = answer(upper, peer.command(line, multiline=upper in _MULTI_LINE))
            verify_equal(f"the response to {line!r}, as to {upper!r}", expected=expected, actual=actual)
        verify_ok(peer.rset())


@requirement(
    "rfc1939/3/login-keyword-case",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=While(rb"(?-i:[A-Z]*[a-z])[A-Za-z]* ", Rewrite.from_client(rb"\A[A-Za-z]+", b"XTND")),
)
@example(user=b"user", password=b"pass", goodbye=b"quit")
@given(
    user=commands.case_variants(b"USER"),
    password=commands.case_variants(b"PASS"),
    goodbye=commands.case_variants(b"QUIT"),
)
def test_login_keywords_have_no_case(target: Target, user: bytes, password: bytes, goodbye: bytes) -> None:
    """USER, PASS and QUIT do what they do, however they are written; what comes behind them is left alone."""
    with target.account() as account, authorizing(target, account) as peer:
        need_user(peer)
        verify_ok(peer.command(user + f" {account.login}".encode()))
        verify_ok(peer.command(password + f" {account.password}".encode()))
        verify_ok(peer.command(goodbye))


@st.composite
def cut_commands(draw: st.DrawFn) -> list[tuple[bytes, list[bytes]]]:
    """Command lines, each with its octets in pieces."""
    lines = draw(st.lists(st.sampled_from(_COMMANDS), min_size=1, max_size=4))
    return [(line, draw(chunks.chunkings(line + b"\r\n", max_splits=4))) for line in lines]


@requirement(
    "rfc1939/3/commands-end-with-crlf",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=PerSend(lambda octets: octets if octets.endswith(b"\r\n") else octets.strip() + b"\r\n"),
)
@given(cut=cut_commands())
def test_a_command_ends_at_its_crlf(target: Target, cut: list[tuple[bytes, list[bytes]]]) -> None:
    """However TCP cuts a command, it has the one response that it has in one piece."""
    with filled(target, notes(2)) as (_, peer):
        for line, pieces in cut:
            multiline = line in _MULTI_LINE
            verify_ok(peer.rset())
            expected = answer(line, peer.command(line, multiline=multiline))
            verify_ok(peer.rset())
            peer.expect_response(multiline=multiline)
            for piece in pieces:
                peer.send_raw(piece)
            verify_equal(
                f"the response to {line!r}", expected=expected, actual=answer(line, peer.read_response())
            )
        verify_ok(peer.rset())


_UNKNOWN = st.from_regex(r"[QXYZ][A-Z]{2,3}", fullmatch=True).filter(
    lambda word: word not in {"QUIT", "XTND"}
)


@requirement(
    "rfc1939/3/unknown-command",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"[QXYZ](?!UIT)", b"+OK"),
)
@given(
    word=_UNKNOWN.map(str.encode) | commands.unknown_verbs(),
    arguments=st.lists(commands.arguments(), max_size=2),
)
def test_unknown_commands_are_refused(target: Target, word: bytes, arguments: list[bytes]) -> None:
    """What is no command is answered with -ERR, with or without arguments; the session goes on."""
    with filled(target, []) as (_, peer):
        verify_refused(peer.command(b" ".join([word, *arguments])), "this is no command")
        verify_ok(peer.noop())


@requirement(
    "rfc1939/3/unknown-command-before-login",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"[QXYZ](?!UIT)", b"+OK"),
)
@given(word=_UNKNOWN.map(str.encode) | commands.unknown_verbs())
def test_unknown_commands_are_refused_before_login(target: Target, word: bytes) -> None:
    """What is no command is answered with -ERR in the AUTHORIZATION state too."""
    with target.pop3(login=False) as peer:
        verify_refused(peer.command(word), "this is no command")


_INCOMPLETE = (b"RETR", b"DELE", b"TOP", b"TOP 1", b"RETR one", b"DELE one", b"TOP one 1", b"TOP 1 one")
_MALFORMED = (
    b"RETR -1",
    b"DELE -1",
    b"LIST -1",
    b"LIST one",
    b"TOP -1 0",
    b"TOP 1 -1",
    b"DELE 1.5",
    b"DELE 1x",
    b"RETR 1x",
    b"LIST 1,2",
    b"TOP 1x 0",
    b"RETR 0x1",
)


@requirement(
    "rfc1939/3/invalid-syntax",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=taken_for(rb"DELE(?: -1)?", b"DELE 1"),
)
def test_malformed_commands_are_refused(target: Target) -> None:
    """A missing argument, or one that is no number, is answered with -ERR, and does nothing."""
    for line in (*_INCOMPLETE, *_MALFORMED):
        with filled(target, notes(1)) as (_, peer):
            verify_refused(peer.command(line), f"{line!r} has not the arguments of the command")
            verify_equal("the messages that STAT counts", expected=1, actual=peer.stat().messages)


_SURPLUS = (b"STAT 1", b"NOOP 1", b"RSET 1", b"LIST 1 2", b"RETR 1 2", b"DELE 1 2", b"TOP 1 0 2")


@requirement(
    "rfc1939/3/surplus-arguments",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"(?:STAT|NOOP|RSET) 1", b"+OK 1 1"),
)
@given(line=st.sampled_from(_SURPLUS))
def test_surplus_arguments_are_refused(target: Target, line: bytes) -> None:
    """An argument more than the command has is answered with -ERR."""
    with filled(target, notes(2)) as (_, peer):
        verify_refused(peer.command(line), "the command has no such argument")
        verify_equal("the messages that STAT counts", expected=2, actual=peer.stat().messages)


_TRANSACTION = ("STAT", "LIST", "LIST 1", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL", "UIDL 1")


@requirement(
    "rfc1939/3/transaction-commands-before-login",
    level=MUST,
    needs={Need.POP3},
    refuted_by=answered(rb"NOOP|RSET|STAT|LIST", b"+OK 0 0"),
)
@given(line=st.sampled_from(_TRANSACTION))
def test_the_maildrop_is_closed_before_login(target: Target, line: str) -> None:
    """Commands of the TRANSACTION state are answered with -ERR in the AUTHORIZATION state."""
    with target.pop3(login=False) as peer:
        verify_refused(peer.command(line), "nobody has logged in")


@requirement(
    "rfc1939/3/login-commands-after-login",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=answered(rb"USER|PASS|APOP", b"+OK"),
)
@given(verb=st.sampled_from(["USER", "PASS", "APOP"]))
def test_nobody_logs_in_twice(target: Target, verb: str) -> None:
    """USER, PASS and APOP are answered with -ERR in the TRANSACTION state, which goes on."""
    with target.maildrop() as maildrop, maildrop.open() as peer:
        account = maildrop.account
        argument = {
            "USER": account.login,
            "PASS": account.password,
            "APOP": f"{account.login} {'0' * 32}",
        }[verb]
        verify_refused(peer.command(f"{verb} {argument}"), "somebody has logged in")
        verify_ok(peer.noop())
