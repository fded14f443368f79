"""The POP3 session, octets in and octets out."""

import base64
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from conftest import PASSWORD
from driver import Driver
from hypothesis import given
from hypothesis import strategies as st
from scram_client import proof

from reference_server.session.base import Flush, Peer, StartTls
from reference_server.session.pop3 import Pop3Session, Pop3Settings
from reference_server.store import Account, NewMessage, Store, StoreUnavailable
from reference_server.store.changes import Append, Expunge

ONE = b"Subject: one\r\n\r\n.leading dot\r\nlast\r\n"
TWO = b"Subject: two\r\n\r\nno end"
Connect = Callable[..., Driver]


def stored(store: Store, account: Account, *messages: bytes) -> None:
    store.commit(Append(account.account_id, "INBOX", tuple(map(NewMessage, messages))))


def contents(store: Store, account: Account) -> list[bytes]:
    mailbox = store.mailbox(account.account_id, "INBOX")
    assert mailbox is not None
    return [store.octets(message_id) for message_id in mailbox.columns.message_ids]


@pytest.fixture
def connect(store: Store) -> Iterator[Connect]:
    drivers = []

    def make(*, secure: bool = True, **settings: object) -> Driver:
        peer = Peer("192.0.2.1", 4711, secure=secure)
        drivers.append(Driver(Pop3Session(peer, settings=Pop3Settings(**settings), store=store), store))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.cut()


def log_in(peer: Driver, login: str = "alice") -> bytes:
    return peer.send(f"USER {login}\r\nPASS {PASSWORD}\r\n".encode())


@pytest.fixture
def peer(connect: Connect, store: Store, alice: Account) -> Driver:
    """A session in TRANSACTION over the messages ONE and TWO."""
    stored(store, alice, ONE, TWO)
    driver = connect()
    assert log_in(driver).count(b"+OK") == 2
    return driver


# AUTHORIZATION


def test_greeting_is_one_positive_line(connect: Connect) -> None:
    greeting = connect().greeting
    assert greeting.startswith(b"+OK ")
    assert greeting.index(b"\r\n") == len(greeting) - 2


def test_login_with_user_and_pass_says_what_is_in_the_maildrop(
    connect: Connect, store: Store, alice: Account
) -> None:
    stored(store, alice, ONE, TWO)
    peer = connect()
    assert peer.send(b"user Alice@ONE.test\r\n") == b"+OK send PASS\r\n"
    assert peer.send(b"pass correct horse\r\n") == b"+OK maildrop locked, 2 messages (%d octets)\r\n" % (
        len(ONE) + len(TWO) + 2
    )


def test_unknown_user_and_wrong_password_get_the_same_answers(connect: Connect, alice: Account) -> None:
    peer = connect()
    assert peer.send(b"USER alice\r\nPASS wrong\r\n") == b"+OK send PASS\r\n-ERR [AUTH] login failed\r\n"
    assert peer.send(b"USER nobody\r\nPASS wrong\r\n") == b"+OK send PASS\r\n-ERR [AUTH] login failed\r\n"


def test_third_failed_login_ends_the_session(connect: Connect, alice: Account) -> None:
    peer = connect()
    for _ in range(2):
        assert not peer.send(b"USER alice\r\nPASS wrong\r\n").endswith(b"often\r\n")
    assert peer.send(b"USER alice\r\nPASS wrong\r\n").endswith(b"-ERR [AUTH] login failed too often\r\n")
    assert peer.ended


def test_pass_needs_the_user_just_before(connect: Connect, alice: Account) -> None:
    peer = connect()
    assert peer.send(b"PASS correct horse\r\n").startswith(b"-ERR")
    assert peer.send(b"USER alice\r\nCAPA\r\nPASS correct horse\r\n").endswith(b"-ERR send USER first\r\n")


@pytest.mark.parametrize(
    "command", [b"STAT", b"LIST", b"RETR 1", b"DELE 1", b"NOOP", b"RSET", b"TOP 1 0", b"UIDL"]
)
def test_transaction_commands_are_refused_before_login(connect: Connect, command: bytes) -> None:
    assert connect().send(command + b"\r\n").startswith(b"-ERR")


def test_passwords_are_refused_in_clear_unless_allowed(connect: Connect, alice: Account) -> None:
    peer = connect(secure=False)
    assert peer.send(b"USER alice\r\n").startswith(b"-ERR")
    assert peer.send(b"PASS correct horse\r\n").startswith(b"-ERR")
    assert peer.send(b"AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=\r\n").startswith(b"-ERR")
    assert not any(line.startswith(b"USER") for line in peer.send(b"CAPA\r\n").splitlines())
    assert log_in(connect(secure=False, clear_logins=True)).startswith(b"+OK send PASS\r\n+OK ")


def test_capa_names_what_is_permitted_where_it_is(connect: Connect, alice: Account) -> None:
    clear = connect(secure=False).send(b"CAPA\r\n").split(b"\r\n")
    assert clear[0].startswith(b"+OK")
    assert clear[-2:] == [b".", b""]
    assert {b"STLS", b"SASL SCRAM-SHA-256", b"TOP", b"UIDL", b"RESP-CODES", b"AUTH-RESP-CODE"} <= set(clear)
    assert {b"PIPELINING", b"EXPIRE NEVER", b"IMPLEMENTATION mailproof"} <= set(clear)
    peer = connect()
    secure = peer.send(b"CAPA\r\n").split(b"\r\n")
    assert {b"USER", b"SASL PLAIN LOGIN SCRAM-SHA-256"} <= set(secure)
    assert b"STLS" not in secure
    log_in(peer)
    assert peer.send(b"CAPA\r\n").split(b"\r\n") == secure


def test_capa_announces_no_stls_after_a_login_in_clear(connect: Connect, alice: Account) -> None:
    peer = connect(secure=False, clear_logins=True)
    log_in(peer)
    assert b"STLS" not in peer.send(b"CAPA\r\n")


def test_stls_forgets_what_came_in_clear(connect: Connect, alice: Account) -> None:
    peer = connect(secure=False)
    said = peer.send(b"STLS\r\nUSER alice\r\nPASS correct horse\r\n")
    assert said == b"+OK begin TLS negotiation\r\n"
    assert any(isinstance(effect, StartTls) for effect in peer.effects)
    assert peer.send(b"STLS\r\n").startswith(b"-ERR")
    assert log_in(peer).startswith(b"+OK send PASS\r\n+OK ")
    assert peer.send(b"STLS\r\n").startswith(b"-ERR")


def test_stls_forgets_the_name(connect: Connect, alice: Account) -> None:
    peer = connect(secure=False, clear_logins=True)
    peer.send(b"USER alice\r\nSTLS\r\n")
    assert peer.send(b"PASS correct horse\r\n").startswith(b"-ERR")


def test_failed_handshake_ends_the_session(connect: Connect) -> None:
    peer = connect(secure=False)
    peer.tls_succeeds = False
    assert peer.send(b"STLS\r\n") == b"+OK begin TLS negotiation\r\n"
    assert peer.ended


def test_stls_where_no_tls_is_offered(connect: Connect) -> None:
    peer = connect(secure=False, offers_stls=False)
    assert peer.send(b"STLS\r\n").startswith(b"-ERR")
    assert b"STLS" not in peer.send(b"CAPA\r\n")


def plain(password: str = PASSWORD) -> bytes:
    return base64.b64encode(f"\0alice\0{password}".encode())


def test_auth_plain_with_initial_response(connect: Connect, alice: Account) -> None:
    assert connect().send(b"AUTH plain " + plain() + b"\r\n").startswith(b"+OK maildrop")


def test_auth_plain_after_an_empty_challenge(connect: Connect, alice: Account) -> None:
    peer = connect()
    assert peer.send(b"AUTH PLAIN\r\n") == b"+ \r\n"
    assert peer.send(plain() + b"\r\n").startswith(b"+OK maildrop")


def test_auth_login(connect: Connect, alice: Account) -> None:
    peer = connect()
    assert peer.send(b"AUTH LOGIN\r\n") == b"+ VXNlcm5hbWU6\r\n"
    assert peer.send(base64.b64encode(b"alice") + b"\r\n") == b"+ UGFzc3dvcmQ6\r\n"
    assert peer.send(base64.b64encode(PASSWORD.encode()) + b"\r\n").startswith(b"+OK maildrop")


def test_auth_login_takes_no_initial_response(connect: Connect) -> None:
    assert connect().send(b"AUTH LOGIN YWxpY2U=\r\n").startswith(b"-ERR")


def scram(peer: Driver, password: str) -> bytes:
    first = b"n=alice,r=abcdef"
    said = peer.send(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,," + first) + b"\r\n")
    server_first = base64.b64decode(said.removeprefix(b"+ ").strip())
    nonce, salt, iterations = server_first.split(b",")
    unproven = b"c=biws," + nonce
    answer = proof(
        password,
        base64.b64decode(salt[2:]),
        int(iterations[2:]),
        first_bare=first,
        server_first=server_first,
        unproven=unproven,
    )
    return peer.send(base64.b64encode(unproven + b",p=" + answer) + b"\r\n")


def test_auth_scram_also_in_clear(connect: Connect, alice: Account) -> None:
    peer = connect(secure=False)
    assert base64.b64decode(scram(peer, PASSWORD)[2:].strip()).startswith(b"v=")
    assert peer.send(b"\r\n").startswith(b"+OK maildrop")


def test_auth_scram_with_the_wrong_password_counts_as_failed_login(connect: Connect, alice: Account) -> None:
    peer = connect(max_failed_logins=2)
    assert scram(peer, "wrong") == b"-ERR [AUTH] login failed\r\n"
    assert scram(peer, "wrong") == b"-ERR [AUTH] login failed too often\r\n"
    assert peer.ended


def test_auth_can_be_cancelled(connect: Connect, alice: Account) -> None:
    peer = connect()
    peer.send(b"AUTH PLAIN\r\n")
    assert peer.send(b"*\r\n") == b"-ERR cancelled\r\n"
    assert log_in(peer).endswith(b"octets)\r\n")


@pytest.mark.parametrize("response", [b"=AAA", b"AAA=BBB", b"!", b"AA==A"])
def test_auth_refuses_what_is_no_base64(connect: Connect, response: bytes) -> None:
    peer = connect()
    peer.send(b"AUTH PLAIN\r\n")
    assert peer.send(response + b"\r\n").startswith(b"-ERR")
    assert peer.send(b"AUTH PLAIN " + response + b"\r\n").startswith(b"-ERR")


@pytest.mark.parametrize("argument", [b"", b" CRAM-MD5", b" PLAIN = =", b" PLAIN ="])
def test_auth_that_cannot_be(connect: Connect, argument: bytes) -> None:
    assert connect().send(b"AUTH" + argument + b"\r\n").startswith(b"-ERR")


def test_auth_responses_may_be_longer_than_a_command(connect: Connect, store: Store) -> None:
    long = "p" * 1000
    store.add_account("carol@one.test", long)
    peer = connect()
    peer.send(b"AUTH PLAIN\r\n")
    said = peer.send(base64.b64encode(f"\0carol\0{long}".encode()) + b"\r\n")
    assert said.startswith(b"+OK maildrop")


def test_maildrop_is_exclusive_until_the_session_ends(connect: Connect, alice: Account, bob: Account) -> None:
    first, second = connect(), connect()
    log_in(first)
    assert log_in(second).endswith(b"-ERR [IN-USE] another session has the maildrop\r\n")
    assert log_in(second, "bob").endswith(b"octets)\r\n")
    first.cut()
    assert log_in(connect()).endswith(b"octets)\r\n")


# TRANSACTION


def test_stat_list_and_uidl_count_what_retr_sends(peer: Driver, store: Store, alice: Account) -> None:
    one, two = len(ONE), len(TWO) + 2
    assert peer.send(b"STAT\r\n") == b"+OK 2 %d\r\n" % (one + two)
    assert peer.send(b"LIST\r\n") == b"+OK 2 messages\r\n1 %d\r\n2 %d\r\n.\r\n" % (one, two)
    assert peer.send(b"LIST 2\r\n") == b"+OK 2 %d\r\n" % two
    mailbox = store.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    identity = b"%d." % mailbox.uid_validity
    assert peer.send(b"UIDL\r\n") == b"+OK 2 messages\r\n1 %b1\r\n2 %b2\r\n.\r\n" % (identity, identity)
    assert peer.send(b"UIDL 1\r\n") == b"+OK 1 %b1\r\n" % identity


def test_retr_stuffs_dots_and_ends_the_last_line(peer: Driver) -> None:
    assert peer.send(b"RETR 1\r\n") == (
        b"+OK %d octets\r\nSubject: one\r\n\r\n..leading dot\r\nlast\r\n.\r\n" % len(ONE)
    )
    assert peer.send(b"retr 2\r\n") == b"+OK %d octets\r\n%b\r\n.\r\n" % (len(TWO) + 2, TWO)


def test_top(peer: Driver) -> None:
    assert peer.send(b"TOP 1 0\r\n").endswith(b"\r\nSubject: one\r\n\r\n.\r\n")
    assert peer.send(b"TOP 1 1\r\n").endswith(b"\r\n\r\n..leading dot\r\n.\r\n")
    assert peer.send(b"TOP 2 99\r\n").endswith(b"\r\n\r\nno end\r\n.\r\n")


def test_dele_hides_a_message_and_rset_brings_it_back(peer: Driver) -> None:
    assert peer.send(b"DELE 1\r\n").startswith(b"+OK")
    assert peer.send(b"STAT\r\n") == b"+OK 1 %d\r\n" % (len(TWO) + 2)
    assert peer.send(b"LIST\r\n") == b"+OK 1 messages\r\n2 %d\r\n.\r\n" % (len(TWO) + 2)
    for command in (b"DELE 1", b"RETR 1", b"LIST 1", b"UIDL 1", b"TOP 1 0"):
        assert peer.send(command + b"\r\n").startswith(b"-ERR")
    assert peer.send(b"RSET\r\n").startswith(b"+OK")
    assert peer.send(b"STAT\r\n").startswith(b"+OK 2 ")


@pytest.mark.parametrize(
    "command",
    [
        *(
            b"RETR",
            b"RETR 0",
            b"RETR 3",
            b"RETR -1",
            b"RETR 1 2",
            b"RETR x",
            b"RETR  1",
            b"RETR 1 ",
            b"TOP 1",
        ),
        *(b"TOP 1 -1", b"TOP 3 0", b"DELE", b"DELE 99999999999999999999", b"LIST 0", b"LIST x", b"STAT 1"),
        *(
            b"NOOP x",
            b"RSET 1",
            b"QUIT now",
            b"USER alice",
            b"PASS x",
            b"AUTH PLAIN",
            b"STLS",
            b"XTND",
            b"X",
            b"",
        ),
    ],
)
def test_commands_that_are_refused_and_change_nothing(peer: Driver, command: bytes) -> None:
    said = peer.send(command + b"\r\n")
    assert said.startswith(b"-ERR ")
    assert said.count(b"\r\n") == 1
    assert peer.send(b"NOOP\r\n") == b"+OK\r\n"
    assert peer.send(b"STAT\r\n").startswith(b"+OK 2 ")


def test_quit_deletes_what_is_marked(peer: Driver, store: Store, alice: Account) -> None:
    assert peer.send(b"DELE 1\r\nQUIT\r\n").endswith(b"+OK bye\r\n")
    assert peer.ended
    assert contents(store, alice) == [TWO]


@pytest.mark.parametrize("end", [Driver.end, Driver.time_out, Driver.shut_down, Driver.cut])
def test_every_other_end_deletes_nothing(
    peer: Driver, store: Store, alice: Account, end: Callable[[Driver], bytes | None]
) -> None:
    peer.send(b"DELE 1\r\n")
    said = end(peer)
    assert peer.ended
    assert said in {None, b"", b"-ERR [SYS/TEMP] the server is shutting down\r\n"}
    assert contents(store, alice) == [ONE, TWO]
    assert store.lock_maildrop(alice.account_id)


def test_quit_without_its_end_of_line_is_no_quit(peer: Driver, store: Store, alice: Account) -> None:
    peer.send(b"DELE 1\r\nQUIT\r")
    peer.end()
    assert contents(store, alice) == [ONE, TWO]


def test_quit_before_login(connect: Connect) -> None:
    peer = connect()
    assert peer.send(b"QUIT\r\n") == b"+OK bye\r\n"
    assert peer.ended


def test_quit_says_so_when_nothing_could_be_deleted(peer: Driver, store: Store, alice: Account) -> None:
    peer.commit_fails = True
    assert peer.send(b"DELE 1\r\nQUIT\r\n").endswith(
        b"-ERR [SYS/TEMP] nothing was deleted, try again later\r\n"
    )
    assert peer.ended
    assert contents(store, alice) == [ONE, TWO]


def test_new_and_expunged_mail_does_not_move_the_numbers(peer: Driver, store: Store, alice: Account) -> None:
    mailbox = store.mailbox(alice.account_id, "INBOX")
    assert mailbox is not None
    store.commit(Expunge(mailbox.entry.mailbox_id, [1], only_deleted=False))
    stored(store, alice, b"later\r\n")
    store.settle()
    assert peer.send(b"STAT\r\n") == b"+OK 2 %d\r\n" % (len(ONE) + len(TWO) + 2)
    assert peer.send(b"RETR 1\r\n").startswith(b"+OK ")
    assert peer.send(b"DELE 1\r\nDELE 2\r\nQUIT\r\n").endswith(b"+OK bye\r\n")
    assert contents(store, alice) == [b"later\r\n"]


def test_unique_ids_stay_for_the_next_session_and_are_never_reused(
    connect: Connect, store: Store, alice: Account
) -> None:
    seen: list[bytes] = []
    for round_number in range(3):
        stored(store, alice, b"%d\r\n" % round_number, b"keep\r\n")
        peer = connect()
        log_in(peer)
        listing = peer.send(b"UIDL\r\n").split(b"\r\n")[1:-2]
        identities = [line.split(b" ")[1] for line in listing]
        assert identities[: len(seen)] == seen
        peer.send(b"DELE %d\r\nQUIT\r\n" % len(identities))
        seen = identities[:-1]
    assert len(set(seen)) == len(seen)


# Lines, pipelining, trouble


def test_line_limit_counts_the_crlf(connect: Connect, alice: Account) -> None:
    peer = connect()
    assert peer.send(b"USER " + b"a" * 248 + b"\r\n").startswith(b"+OK")
    assert peer.send(b"USER " + b"a" * 249 + b"\r\n").startswith(b"-ERR")


def test_endless_line_is_one_error_and_costs_no_memory(connect: Connect) -> None:
    peer = connect()
    for _ in range(50):
        assert peer.send(b"a" * 1000) == b""
        assert len(peer.session.inbox) <= 255
    assert peer.send(b"\r\nQUIT\r\n") == (
        b"-ERR a command line is at most 255 octets and ends with CRLF\r\n+OK bye\r\n"
    )


def test_line_without_carriage_return_is_refused(connect: Connect) -> None:
    assert connect().send(b"QUIT\n").startswith(b"-ERR")


def test_too_many_bad_lines_end_a_session_that_has_not_logged_in(connect: Connect) -> None:
    peer = connect(max_bad_commands=3)
    assert peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: b\r\n").endswith(
        b"-ERR too many bad commands\r\n"
    )
    assert peer.ended


@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_pipelined_commands_are_answered_in_order_however_they_arrive(cuts: list[int]) -> None:
    script = b"CAPA\r\nUSER a\r\nPASS b\r\nNOOP\r\nquit\r\n"
    peer = Driver(
        Pop3Session(Peer("192.0.2.1", 1, secure=True), settings=Pop3Settings(), store=_Nobody()), _Nobody()
    )
    said = b""
    edges = [0, *sorted(cut for cut in cuts if cut < len(script)), len(script)]
    for start, end in pairwise(edges):
        said += peer.send(script[start:end])
    lines = said.split(b".\r\n", 1)[1].split(b"\r\n")
    assert [line[:4].rstrip() for line in lines] == [b"+OK", b"-ERR", b"-ERR", b"+OK", b""]
    assert peer.ended


class _Nobody:
    """A store without accounts."""

    def verify(self, login: str, password: str) -> None:
        return None


def test_much_pipelined_output_is_sent_in_slices(connect: Connect, store: Store, alice: Account) -> None:
    stored(store, alice, b"x" * 70_000)
    peer = connect()
    log_in(peer)
    peer.send(b"RETR 1\r\n" * 5)
    assert sum(isinstance(effect, Flush) for effect in peer.effects) >= 4


def test_time_out_is_at_least_ten_minutes(connect: Connect) -> None:
    waiting = connect().waiting
    assert waiting is not None
    assert waiting.timeout_s >= 600


def test_login_when_the_store_is_away(connect: Connect, alice: Account) -> None:
    peer = connect()
    peer.verify_fails = True
    assert log_in(peer).endswith(b"-ERR [SYS/TEMP] the server cannot look now, try again later\r\n")
    peer.verify_fails = False
    assert log_in(peer).endswith(b"octets)\r\n")


def test_maildrop_that_cannot_be_read_is_not_left_locked(
    connect: Connect, store: Store, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("the test says so")

    peer = connect()
    with monkeypatch.context() as patch:
        patch.setattr(store, "mailbox", away)
        assert log_in(peer).endswith(b"-ERR [SYS/TEMP] the server cannot look now, try again later\r\n")
    assert log_in(peer).endswith(b"octets)\r\n")
    with monkeypatch.context() as patch:
        patch.setattr(store, "octets", away)
        stored(store, alice, ONE)
        again = connect()
        peer.send(b"QUIT\r\n")
        log_in(again)
        assert again.send(b"RETR 1\r\n").startswith(b"-ERR [SYS/TEMP]")
        assert again.send(b"NOOP\r\n") == b"+OK\r\n"
