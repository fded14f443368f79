from collections.abc import Sequence

from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import MUST, Need, given, requirement, unsupported, verify_equal, verify_ok
from harness.targets import Target
from harness.wire.pop3 import Response
from suites.rfc1939.steps import answer, authorizing, filled, need_user, notes
from suites.rfc1939.tampering import PerSend

_SINGLE = (
    "STAT",
    "NOOP",
    "LIST 1",
    "LIST 3",
    "UIDL 2",
    "DELE 1",
    "DELE 2",
    "DELE 9",
    "RSET",
    "RETR 9",
    "XYZZ",
)
_MULTI = ("LIST", "UIDL", "RETR 1", "RETR 2", "TOP 1 0", "TOP 2 1", "CAPA")

Group = list[tuple[bytes | str, bool]]


def groups() -> st.SearchStrategy[Group]:
    """Commands of the TRANSACTION state, each with whether its +OK has lines."""
    single, multi = st.sampled_from(_SINGLE), st.sampled_from(_MULTI)
    commands = single.map(lambda line: (line, False)) | multi.map(lambda line: (line, True))
    return st.lists(commands, min_size=2, max_size=8)


def need_pipelining(peer: Pop3Client) -> None:
    """End the check where PIPELINING is not announced."""
    peer.capa()
    if "PIPELINING" not in peer.capabilities:
        unsupported("the server does not announce PIPELINING")


def confused(octets: bytes) -> bytes:
    """Return commands of which some mean another message, if there are several."""
    return octets.replace(b" 1\r\n", b" 2\r\n") if octets.count(b"\r\n") > 1 else octets


def answers(group: Group, responses: Sequence[Response]) -> list[tuple[bool, Sequence[bytes]]]:
    """Return what counts of the responses to a group."""
    return [answer(line, response) for (line, _), response in zip(group, responses, strict=True)]


def say(peer: Pop3Client, group: Group) -> list[Response]:
    """Send the commands one by one, and return their responses."""
    return [peer.command(line, multiline=multiline) for line, multiline in group]


@requirement(
    "rfc2449/6.6/commands-in-turn",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=PerSend(confused),
)
@given(group=groups())
def test_commands_sent_at_once_are_carried_out_in_turn(target: Target, group: Group) -> None:
    """A group of commands has the responses, in their order, that it has when sent one by one."""
    with filled(target, notes(3)) as (_, peer):
        need_pipelining(peer)
        one_by_one = answers(group, say(peer, group))
        verify_ok(peer.rset())
        at_once = answers(group, peer.pipeline(group))
        verify_equal("the responses", expected=one_by_one, actual=at_once)
        verify_ok(peer.rset())


@requirement(
    "rfc2449/6.6/login-in-turn",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=PerSend(confused),
)
@given(group=groups())
def test_login_may_be_part_of_a_group(target: Target, group: Group) -> None:
    """USER, PASS and what follows them may be sent at once."""
    with target.maildrop() as maildrop:
        maildrop.put(notes(3))
        with maildrop.open() as peer:
            need_pipelining(peer)
            expected = answers(group, say(peer, group))
            verify_ok(peer.rset())
            verify_ok(peer.quit())
        account = maildrop.account
        with authorizing(target, account) as peer:
            need_user(peer)
            login: Group = [(f"USER {account.login}", False), (f"PASS {account.password}", False)]
            user, password, *responses = peer.pipeline([*login, *group])
            verify_ok(user)
            verify_ok(password)
            verify_equal("the responses", expected=expected, actual=answers(group, responses))
            verify_ok(peer.rset())
