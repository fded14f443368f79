import re

from hypothesis import strategies as st

from harness.conformance import PROSE, Need, given, requirement, unsupported, verify
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.pop3 import Response
from suites.rfc1939.steps import authorizing, filled, need_failures, need_user, notes
from suites.rfc1939.tampering import While, answered

_CODE = re.compile(rb"\[[!-.0-\\^-\x7f]+(?:/[!-.0-\\^-\x7f]+)*\]")


@requirement(
    "rfc2449/6.4/response-codes",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"RETR|DELE", Rewrite.from_server(rb"\A(-ERR|\+OK) ", rb"\1 [message 1] ")),
)
@given(
    lines=st.lists(
        st.sampled_from(["STAT", "NOOP", "LIST 1", "DELE 1", "DELE 9", "RETR 9", "RETR x", "XYZZ", "LIST 9"]),
        min_size=1,
        max_size=6,
    )
)
def test_text_in_brackets_is_a_response_code(target: Target, lines: list[str]) -> None:
    """A text that begins with a bracket begins with a response code."""
    with filled(target, notes(1)) as (_, peer):
        peer.capa()
        if "RESP-CODES" not in peer.capabilities:
            unsupported("the server does not announce RESP-CODES")
        responses = [peer.greeting(), *map(peer.command, lines), peer.rset()]
        for response in responses:
            _verify_code(response)


def _verify_code(response: Response) -> None:
    verify(
        not response.text.startswith(b"[") or _CODE.match(response.text),
        expected="a response code in brackets, or none",
        actual=response.octets,
    )


@requirement(
    "rfc2449/8.1.2/in-use",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP, Need.POP3},
    refuted_by=answered(rb"PASS not", b"-ERR [IN-USE] wait"),
)
def test_in_use_takes_the_password(target: Target) -> None:
    """While a maildrop is open, who does not know its password is not told that it is."""
    with target.maildrop() as maildrop, maildrop.open():
        account = maildrop.account
        with authorizing(target, account) as stranger:
            need_user(stranger)
            need_failures(target)
            response = stranger.login(account.login, f"not {account.password}")
            verify(
                not response.ok and response.code != "IN-USE",
                expected="-ERR without IN-USE, as the authentication was not successful",
                actual=response.octets,
            )
