"""SASL exchanges and their base64."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.sasl import (
    Login,
    Plain,
    ScramSha256,
    begin_exchange,
    decode_base64,
    encode_base64,
)

# RFC 7677 §3
NONCE = b"rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def scram() -> ScramSha256:
    return ScramSha256("user", "pencil", NONCE)


@given(st.binary())
def test_base64_comes_back(octets: bytes) -> None:
    assert decode_base64(encode_base64(octets)) == octets


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        (b"=AAA", 0),
        (b"AAA=BBB", 4),
        (b"A", 0),
        (b"AAAA\r\n", 4),
        (b"AA A", 0),
        (b"AAAA-_==", 4),
        (b"AAAA====", 4),
    ],
)
def test_base64_outside_the_alphabet_is_refused(text: bytes, offset: int) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        decode_base64(text)
    assert refused.value.offset == offset


def test_plain() -> None:
    plain = Plain("tim", "tanstaaftanstaaf")
    assert plain.initial_response() == b"\0tim\0tanstaaftanstaaf"
    plain.verify_success()
    with pytest.raises(RemoteProtocolError):
        plain.respond(b"")


def test_plain_without_an_initial_response() -> None:
    assert Plain("Kurt", "xipj3plmq", "Ursel").respond(b"") == b"Ursel\0Kurt\0xipj3plmq"


def test_plain_with_a_challenge_is_no_plain() -> None:
    with pytest.raises(RemoteProtocolError):
        Plain("a", "b").respond(b"who?")


def test_plain_carries_no_nul() -> None:
    with pytest.raises(LocalProtocolError, match="NUL"):
        Plain("a\0b", "c")


def test_login_answers_in_order() -> None:
    login = Login("user", "secret")
    assert login.initial_response() is None
    assert login.respond(b"User Name\0") == b"user"
    with pytest.raises(RemoteProtocolError):
        login.verify_success()
    assert login.respond(b"whatever") == b"secret"
    login.verify_success()
    with pytest.raises(RemoteProtocolError):
        login.respond(b"and now?")


def test_scram_as_in_rfc_7677() -> None:
    exchange = scram()
    assert exchange.initial_response() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert exchange.respond(SERVER_FIRST) == CLIENT_FINAL
    assert exchange.respond(SERVER_FINAL) == b""
    exchange.verify_success()


def test_scram_without_an_initial_response() -> None:
    exchange = scram()
    assert exchange.respond(b"") == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert exchange.respond(SERVER_FIRST) == CLIENT_FINAL


def test_a_server_that_has_not_proved_itself_may_not_claim_success() -> None:
    exchange = scram()
    exchange.initial_response()
    exchange.respond(SERVER_FIRST)
    with pytest.raises(RemoteProtocolError, match="server signature"):
        exchange.verify_success()


@pytest.mark.parametrize(
    "server_first",
    [
        b"",
        SERVER_FIRST.replace(b"r=rOpr", b"r=XXXX"),
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        SERVER_FIRST.replace(b"i=4096", b"i=0"),
        SERVER_FIRST.replace(b"i=4096", b"i=999999999"),
        SERVER_FIRST.replace(b"s=W22Z", b"s=="),
        b"m=ext," + SERVER_FIRST,
    ],
)
def test_a_server_first_message_that_cannot_be_is_refused(server_first: bytes) -> None:
    exchange = scram()
    exchange.initial_response()
    with pytest.raises(RemoteProtocolError):
        exchange.respond(server_first)


@pytest.mark.parametrize("server_final", [b"", b"v=AAAA", b"ok", SERVER_FINAL[:-2] + b"A="])
def test_a_wrong_server_signature_is_refused(server_final: bytes) -> None:
    exchange = scram()
    exchange.initial_response()
    exchange.respond(SERVER_FIRST)
    with pytest.raises(RemoteProtocolError):
        exchange.respond(server_final)


def test_a_server_error_is_answered_and_never_success() -> None:
    exchange = scram()
    exchange.initial_response()
    exchange.respond(SERVER_FIRST)
    assert exchange.respond(b"e=invalid-proof") == b""
    with pytest.raises(RemoteProtocolError):
        exchange.verify_success()
    with pytest.raises(RemoteProtocolError, match="state"):
        exchange.respond(SERVER_FINAL)


def test_extensions_of_the_server_are_passed_over() -> None:
    exchange = scram()
    exchange.initial_response()
    assert exchange.respond(SERVER_FIRST + b",x=y=z").startswith(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%")


def test_names_are_quoted() -> None:
    assert ScramSha256("a=b,c", "p", b"n").initial_response() == b"n,,n=a=3Db=2Cc,r=n"
    with pytest.raises(LocalProtocolError):
        ScramSha256("", "p")


def test_nonces_differ() -> None:
    assert ScramSha256("u", "p").initial_response() != ScramSha256("u", "p").initial_response()


def test_mechanisms_by_name() -> None:
    assert isinstance(begin_exchange("SCRAM-SHA-256", "u", "p"), ScramSha256)
    with pytest.raises(LocalProtocolError, match="PLAIN, LOGIN, SCRAM-SHA-256"):
        begin_exchange("CRAM-MD5", "u", "p")
