"""Guesses at passwords, tokens that are none, logins broken off: slowed, refused, and nobody else minds."""

import base64
import threading
import time
from collections.abc import Iterator

import pytest
from server_process import ALICE, PASSWORD, Dialogue, ServerProcess, serving

GUESSERS = 12
PAUSE_S = 0.25


def token(user: bytes, password: bytes, authorization: bytes = b"") -> bytes:
    return base64.b64encode(b"\0".join((authorization, user, password)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    config = f"[limits]\nfailed_login_delay_s = {PAUSE_S}\nmax_failed_logins = 5\nmax_errors = 1000\n"
    with serving(tmp_path_factory.mktemp("logins"), config=config) as running:
        yield running


def guess(server: ServerProcess, number: int, seen: list[tuple[int, bytes]]) -> None:
    """Guess until the server has had enough."""
    with server.smtp("submission") as client:
        tried = 0
        while True:
            reply = client.ask(b"AUTH PLAIN " + token(ALICE.encode(), b"guess %d" % tried))
            if not reply.startswith(b"535 "):
                seen.append((tried, reply))
                return
            tried += 1


def test_a_flood_of_guesses_is_slowed_and_ended_and_alice_gets_in(server: ServerProcess) -> None:
    seen: list[tuple[int, bytes]] = []
    begun = time.monotonic()
    guessers = [
        threading.Thread(target=guess, args=(server, number, seen), daemon=True) for number in range(GUESSERS)
    ]
    for guesser in guessers:
        guesser.start()
    with server.smtp("submission") as client:
        assert client.login() == 235
    with server.smtp() as client:
        assert client.code(b"NOOP") == 250
    for guesser in guessers:
        guesser.join(60)
    assert len(seen) == GUESSERS
    assert {tried for tried, _ in seen} <= {4, 5}
    assert all(reply[:4] in {b"421 ", b""} for _, reply in seen)
    # Each guesser waited for each of its answers.
    assert time.monotonic() - begun >= 4 * PAUSE_S


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        (b"AUTH PLAIN " + token(b"a" * 1_048_576, b"x"), {421}),
        (b"AUTH PLAIN " + token(b"a" * 8_000, b"x"), {500, 535}),
        (b"AUTH PLAIN " + base64.b64encode(b"\0"), {501, 535}),
        (b"AUTH PLAIN " + base64.b64encode(b"\0" * 5), {501, 535}),
        (b"AUTH PLAIN " + base64.b64encode(b"\0alice\0secret\0more"), {501, 535}),
        (b"AUTH PLAIN " + base64.b64encode(b"no NUL at all"), {501, 535}),
        (b"AUTH PLAIN " + token(b"", b""), {501, 535}),
        (b"AUTH PLAIN " + token(b"\xff\xfe", b"x"), {501, 535}),
        (b"AUTH PLAIN " + token(ALICE.encode(), PASSWORD.encode(), b"bob@one.test"), {501, 535}),
        (b"AUTH PLAIN =", {501, 535}),
        (b"AUTH PLAIN ====", {501}),
        (b"AUTH PLAIN not*base64", {501}),
        (b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=" + b"a" * 6_000 + b",r=x"), {334, 500, 501, 535}),
        (b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,,n=a=zz,r=x"), {501, 535}),
        (b"AUTH NOSUCH", {504}),
        (b"AUTH", {501}),
    ],
)
def test_tokens_that_are_none(server: ServerProcess, line: bytes, codes: set[int]) -> None:
    with server.smtp("submission") as client:
        code = client.code(line)
        assert code in codes
        if code == 421:
            # The rest of the line is not even read.
            return
        if code == 334:
            assert client.code(b"*") == 501
        assert client.code(b"MAIL FROM:<alice@one.test>") == 530
        assert client.login() == 235
        assert client.code(b"MAIL FROM:<alice@one.test>") == 250


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN", b"SCRAM-SHA-256"])
def test_a_login_is_cancelled(server: ServerProcess, mechanism: bytes) -> None:
    """RFC 4954 §4: the client's `*` is answered with 501, and the session goes on."""
    with server.smtp("submission") as client:
        for _ in range(3):
            assert client.code(b"AUTH " + mechanism) == 334
            assert client.code(b"*") == 501
        assert client.login() == 235


def test_a_long_answer_to_a_challenge_is_refused(server: ServerProcess) -> None:
    with server.smtp("submission") as client:
        assert client.code(b"AUTH LOGIN") == 334
        assert client.code(b"a" * 400_000) in {500, 501, 535}
        assert client.login() == 235


def test_who_leaves_in_the_middle_of_a_login_leaves_nothing(server: ServerProcess) -> None:
    for line in (b"AUTH LOGIN", b"AUTH PLAIN"):
        with server.smtp("submission") as client:
            assert client.code(line) == 334
    with Dialogue(server.port("submission")) as client:
        client.send(b"EHLO x\r\nAUTH PLAIN " + token(ALICE.encode(), b"wrong") + b"\r\n")
    with server.smtp("submission") as client:
        assert client.login() == 235


def test_unknown_users_cost_and_hear_the_same(server: ServerProcess) -> None:
    """No oracle: neither the words nor the work tell whether an account exists."""
    said, used = [], []
    for user in (b"alice@one.test", b"nobody@one.test"):
        before = server.cpu_s()
        with server.smtp("submission") as client:
            replies = {client.ask(b"AUTH PLAIN " + token(user, b"wrong %d" % number)) for number in range(4)}
        said.append(replies)
        used.append(server.cpu_s() - before)
    assert said[0] == said[1]
    assert max(used) <= 2 * min(used) + 0.1, used
