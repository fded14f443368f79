"""The server's side of SASL, against the RFCs' own examples and a client written here."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scram_client import proof

from reference_server.codec.sasl import (
    Challenge,
    Denied,
    Exchange,
    PasswordLogin,
    Proven,
    ScramKeys,
    decode_base64,
    decode_initial_response,
    make_scram_keys,
    prepare,
)

# RFC 7677 §3
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
PENCIL = "pencil"
KEYS = make_scram_keys("pencil", SALT, 4096)
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
ACCOUNTS = {"user": "the user", "user@one.test": "the user", "other": "somebody else"}


def keys_of(login: str) -> tuple[Any, ScramKeys]:
    return ACCOUNTS.get(login), KEYS


def scram() -> Exchange:
    return Exchange("SCRAM-SHA-256", keys_of, nonce=NONCE)


CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)


def _proof(first_bare: bytes, server_first: bytes, unproven: bytes, password: str) -> bytes:
    return proof(password, SALT, 4096, first_bare=first_bare, server_first=server_first, unproven=unproven)


def run_scram(first: bytes, *, password: str = PENCIL, binding: bytes | None = None) -> Any:
    exchange = scram()
    step = exchange.step(first)
    if not isinstance(step, Challenge):
        return step
    gs2, bare = first[: first.index(b",n=") + 1], first[first.index(b",n=") + 1 :]
    nonce = step.octets.split(b",")[0]
    unproven = b"c=" + base64.b64encode(gs2 if binding is None else binding) + b"," + nonce
    step = exchange.step(unproven + b",p=" + _proof(bare, step.octets, unproven, password))
    return exchange.step(b"") if isinstance(step, Challenge) else step


def test_the_example_of_rfc_7677() -> None:
    exchange = scram()
    assert exchange.step(CLIENT_FIRST) == Challenge(
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert exchange.step(CLIENT_FINAL) == Challenge(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert exchange.step(b"") == Proven("the user")


def test_scram_without_initial_response_starts_with_an_empty_challenge() -> None:
    exchange = scram()
    assert exchange.step(None) == Challenge(b"")
    assert isinstance(exchange.step(CLIENT_FIRST), Challenge)


def test_scram_takes_only_the_right_password() -> None:
    assert run_scram(b"n,,n=user,r=abc") == Proven("the user")
    assert run_scram(b"n,,n=user,r=abc", password="pen") == Denied("invalid-proof")


def test_scram_unknown_user_fails_at_the_proof_and_not_before() -> None:
    assert run_scram(b"n,,n=nobody,r=abc") == Denied("invalid-proof")


def test_scram_binding_must_be_what_the_header_said() -> None:
    assert run_scram(b"y,,n=user,r=abc") == Proven("the user")
    assert run_scram(b"n,,n=user,r=abc", binding=b"y,,") == Denied("invalid-proof")


@pytest.mark.parametrize(
    ("first", "malformed"),
    [
        (b"p=tls-unique,,n=user,r=abc", False),
        (b"n,,m=x,n=user,r=abc", False),
        (b"n,,n=us=3er,r=abc", True),
        (b"n,,n=\xff,r=abc", True),
        (b"n,,n=user", True),
        (b"n,,n=user,r=", True),
        (b"", True),
    ],
)
def test_scram_first_messages_that_are_refused(first: bytes, malformed: bool) -> None:
    step = scram().step(first)
    assert isinstance(step, Denied)
    assert step.malformed is malformed


def test_scram_does_not_let_one_act_for_another() -> None:
    assert run_scram(b"n,a=user@one.test,n=user,r=abc") == Proven("the user")
    outcome = run_scram(b"n,a=other,n=user,r=abc")
    assert isinstance(outcome, Denied)


@given(final=st.binary(max_size=80))
def test_scram_no_other_final_message_is_taken(final: bytes) -> None:
    exchange = scram()
    exchange.step(CLIENT_FIRST)
    assert isinstance(exchange.step(final), Denied)


@pytest.mark.parametrize("cut", [1, 2, 3, 8, 31])
def test_scram_a_shortened_proof_is_no_proof(cut: int) -> None:
    exchange = scram()
    exchange.step(CLIENT_FIRST)
    head, _, tail = CLIENT_FINAL.rpartition(b",p=")
    assert exchange.step(head + b",p=" + base64.b64encode(base64.b64decode(tail)[:-cut])) == Denied(
        "invalid-proof"
    )


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (b"\0user\0pencil", PasswordLogin("user", "pencil")),
        (b"user\0user\0pencil", PasswordLogin("user", "pencil")),
        (b"user@one.test\0user\0pencil", PasswordLogin("user", "pencil")),
        ("\0jürgen\0pä ss".encode(), PasswordLogin("jürgen", "pä ss")),
    ],
)
def test_plain(response: bytes, outcome: PasswordLogin) -> None:
    assert Exchange("PLAIN", keys_of).step(response) == outcome
    late = Exchange("PLAIN", keys_of)
    assert late.step(None) == Challenge(b"")
    assert late.step(response) == outcome


@pytest.mark.parametrize(
    "response", [b"", b"\0", b"user\0pencil", b"\0user\0", b"\0\0pencil", b"\0user\0pen\0cil"]
)
def test_plain_malformed(response: bytes) -> None:
    step = Exchange("PLAIN", keys_of).step(response)
    assert isinstance(step, Denied)
    assert step.malformed


def test_plain_does_not_let_one_act_for_another() -> None:
    step = Exchange("PLAIN", keys_of).step(b"other\0user\0pencil")
    assert isinstance(step, Denied)
    assert not step.malformed


def test_login_asks_for_both() -> None:
    exchange = Exchange("LOGIN", keys_of)
    assert exchange.step(None) == Challenge(b"Username:")
    assert exchange.step(b"user") == Challenge(b"Password:")
    assert exchange.step(b"pencil") == PasswordLogin("user", "pencil")


def test_login_takes_the_name_as_initial_response() -> None:
    exchange = Exchange("LOGIN", keys_of)
    assert exchange.step(b"user") == Challenge(b"Password:")


@given(octets=st.binary(max_size=30))
def test_base64_round_trip(octets: bytes) -> None:
    assert decode_base64(base64.b64encode(octets)) == octets


@pytest.mark.parametrize("line", [b"=AAA", b"AAA=BBB=", b"AAA", b"AA A", b"AAAA*", b"AB==", b"*", b"AAAA\t"])
def test_base64_that_must_be_refused(line: bytes) -> None:
    assert decode_base64(line) is None


def test_equals_sign_is_an_empty_initial_response() -> None:
    assert decode_initial_response(b"=") == b""


@pytest.mark.parametrize(
    ("string", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0007", "\u0007"),
        ("\u0627\u0031", "\u0627\u0031"),
    ],
)
def test_saslprep_examples_of_rfc_4013(string: str, prepared: str) -> None:
    """The last two are prohibited, and left as they are."""
    assert prepare(string) == prepared


def test_scram_a_lengthened_proof_is_no_proof() -> None:
    exchange = scram()
    exchange.step(CLIENT_FIRST)
    head, _, tail = CLIENT_FINAL.rpartition(b",p=")
    longer = base64.b64encode(base64.b64decode(tail) + b"\0")
    assert exchange.step(head + b",p=" + longer) == Denied("invalid-proof")


def test_scram_reads_no_endless_names() -> None:
    exchange = Exchange("SCRAM-SHA-256", lambda _: pytest.fail("was looked up"))
    outcome = exchange.step(b"n,,n=" + "\ufdfa".encode() * 400 + b",r=abc")
    assert isinstance(outcome, Denied)
    assert outcome.malformed
