"""The IMAP client against a scripted server: each octet sent and each response read."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.clients.imap import ImapClient
from harness.clients.imap_result import Result
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import LocalProtocolError, PeerClosed, RemoteProtocolError, ReplyTimeout
from harness.vocabulary.imap import SEEN, SessionState
from harness.wire.imap import (
    Capability,
    Data,
    Exists,
    Expunge,
    FetchData,
    ListData,
    Literal,
    Response,
    StatusData,
)

GREETING = b"* OK [CAPABILITY IMAP4rev1 SASL-IR] ready\r\n"


def greeted(greeting: bytes = GREETING) -> ScriptedStream:
    return ScriptedStream().server(greeting)


def answers(line: bytes, reply: bytes = b"A0001 OK done\r\n") -> ScriptedStream:
    return greeted().client(line).server(reply)


COMMANDS: list[tuple[Callable[[ImapClient], Result], bytes]] = [
    (lambda imap: imap.capability(), b"CAPABILITY"),
    (lambda imap: imap.noop(), b"NOOP"),
    (lambda imap: imap.logout(), b"LOGOUT"),
    (lambda imap: imap.id(), b"ID NIL"),
    (lambda imap: imap.id({"name": "mailproof", "os": None}), b'ID ("name" "mailproof" "os" NIL)'),
    (lambda imap: imap.login("ada@one.test", "pass word"), b'LOGIN ada@one.test "pass word"'),
    (lambda imap: imap.select("INBOX"), b"SELECT INBOX"),
    (lambda imap: imap.select("x", b"CONDSTORE"), b"SELECT x (CONDSTORE)"),
    (lambda imap: imap.examine("été"), b"EXAMINE &AOk-t&AOk-"),
    (lambda imap: imap.create("a b"), b'CREATE "a b"'),
    (lambda imap: imap.create("a", r"USE (\Drafts)"), rb"CREATE a (USE (\Drafts))"),
    (lambda imap: imap.delete(b"a"), b"DELETE a"),
    (lambda imap: imap.rename("a", "b"), b"RENAME a b"),
    (lambda imap: imap.subscribe("a"), b"SUBSCRIBE a"),
    (lambda imap: imap.unsubscribe("a"), b"UNSUBSCRIBE a"),
    (lambda imap: imap.list(), b'LIST "" *'),
    (
        lambda imap: imap.list("", "%", select=b"SUBSCRIBED", returning=b"CHILDREN"),
        b'LIST (SUBSCRIBED) "" % RETURN (CHILDREN)',
    ),
    (lambda imap: imap.lsub("a/", "%"), b"LSUB a/ %"),
    (lambda imap: imap.status("a"), b"STATUS a (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"),
    (lambda imap: imap.status("a", "MESSAGES"), b"STATUS a (MESSAGES)"),
    (lambda imap: imap.namespace(), b"NAMESPACE"),
    (lambda imap: imap.enable("CONDSTORE", "QRESYNC"), b"ENABLE CONDSTORE QRESYNC"),
    (lambda imap: imap.fetch(1, b"FLAGS"), b"FETCH 1 FLAGS"),
    (lambda imap: imap.fetch("1:*", "FLAGS UID"), b"FETCH 1:* (FLAGS UID)"),
    (lambda imap: imap.fetch([1, 2], ["FLAGS", "UID"]), b"FETCH 1:2 (FLAGS UID)"),
    (lambda imap: imap.fetch(1, "(UID)"), b"FETCH 1 (UID)"),
    (
        lambda imap: imap.fetch(1, "BODY.PEEK[HEADER.FIELDS (To Cc)]<0.5>"),
        b"FETCH 1 BODY.PEEK[HEADER.FIELDS (To Cc)]<0.5>",
    ),
    (lambda imap: imap.uid_fetch(7, b"ALL"), b"UID FETCH 7 ALL"),
    (lambda imap: imap.store(1, b"+FLAGS", [SEEN]), rb"STORE 1 +FLAGS (\Seen)"),
    (lambda imap: imap.uid_store(1, "FLAGS.SILENT", []), b"UID STORE 1 FLAGS.SILENT ()"),
    (lambda imap: imap.search(), b"SEARCH ALL"),
    (lambda imap: imap.uid_search("SEEN"), b"UID SEARCH SEEN"),
    (lambda imap: imap.copy(1, "a"), b"COPY 1 a"),
    (lambda imap: imap.uid_copy(1, "a"), b"UID COPY 1 a"),
    (lambda imap: imap.move(1, "a"), b"MOVE 1 a"),
    (lambda imap: imap.uid_move(1, "a"), b"UID MOVE 1 a"),
    (lambda imap: imap.expunge(), b"EXPUNGE"),
    (lambda imap: imap.uid_expunge(1), b"UID EXPUNGE 1"),
    (lambda imap: imap.check(), b"CHECK"),
    (lambda imap: imap.close(), b"CLOSE"),
    (lambda imap: imap.unselect(), b"UNSELECT"),
]


@pytest.mark.parametrize(("call", "line"), COMMANDS, ids=[line.decode() for _, line in COMMANDS])
def test_each_command_on_the_wire(call: Callable[[ImapClient], Result], line: bytes) -> None:
    with answers(b"A0001 " + line + b"\r\n") as script:
        assert call(ImapClient(script)).ok


def test_the_constructor_does_not_talk_and_a_function_can_connect() -> None:
    with greeted() as script:
        imap = ImapClient(lambda: script)
        assert imap.greeting().text == b"ready"
        assert imap.greeting() is imap.greeting()
        assert imap.peer == "script"


def test_a_refusal_is_a_value() -> None:
    with answers(b"A0001 NOOP\r\n", b"* 1 X\r\nA0001 NO [INUSE] not now\r\n") as script:
        result = ImapClient(script).noop()
    assert (result.ok, result.no, result.bad) == (False, True, False)
    code = result.code("inuse")
    assert code is not None
    assert code.name == b"INUSE"
    assert result.code(b"ALERT") is None
    assert result.octets == b"* 1 X\r\nA0001 NO [INUSE] not now\r\n"


def test_data_of_a_kind() -> None:
    reply = (
        b"* LIST () NIL a\r\n* 2 EXISTS\r\n* LIST () NIL b\r\n* OK [ALERT] hear\r\n"
        b"* SEARCH 1 2\r\n* ESEARCH ALL 4:5\r\nA0001 OK [APPENDUID 1 2] done\r\n"
    )
    with answers(b"A0001 NOOP\r\n", reply) as script:
        result = ImapClient(script).noop()
    assert [each.mailbox for each in result.all(ListData)] == [b"a", b"b"]
    assert result.first(Exists) == Exists(2)
    assert result.first(StatusData) is None
    assert result.numbers == (1, 2, 4, 5)
    assert [code.name for code in result.codes] == [b"APPENDUID", b"ALERT"]
    assert result.append_uid is not None
    assert result.append_uid.uid == 2
    assert result.copy_uid is None


def test_a_literal_waits_for_the_server() -> None:
    script = greeted().client(b'A0001 APPEND "a b" (\\Seen) " 1-Jan-2026 00:00:00 +0000" {5}\r\n')
    script.server(b"* 3 EXISTS\r\n+ go on\r\n").client(b"12345\r\n").server(b"A0001 OK done\r\n")
    with script:
        result = ImapClient(script).append("a b", b"12345", [SEEN], datetime(2026, 1, 1, tzinfo=UTC))
    assert result.ok
    assert result.all(Exists) == [Exists(3)]


def test_a_literal_refused_is_not_sent() -> None:
    script = answers(b"A0001 APPEND x {5}\r\n", b"A0001 NO [TRYCREATE] none such\r\n")
    with script.client(b"A0002 NOOP\r\n").server(b"A0002 OK done\r\n"):
        imap = ImapClient(script)
        assert imap.append("x", b"12345").no
        assert imap.noop().ok


def test_a_literal_does_not_wait_where_the_server_says_so() -> None:
    script = greeted(b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n")
    with script.client(b"A0001 APPEND x {5+}\r\n12345\r\n").server(b"A0001 OK done\r\n"):
        imap = ImapClient(script)
        assert imap.append("x", b"12345").ok
        assert imap.state is SessionState.AUTHENTICATED


def test_capabilities_are_asked_for_when_they_are_not_known() -> None:
    script = greeted(b"* OK ready\r\n").client(b"A0001 CAPABILITY\r\n")
    script.server(b"* CAPABILITY IMAP4rev1 Idle\r\nA0001 OK done\r\n")
    script.client(b'A0002 LOGIN ada "x"\r\n').server(b"A0002 OK done\r\n")
    script.client(b"A0003 CAPABILITY\r\n").server(b"* CAPABILITY IMAP4rev1\r\nA0003 OK done\r\n")
    with script:
        imap = ImapClient(script)
        assert imap.offers("idle")
        assert imap.login("ada", "x").ok
        assert imap.capabilities == {"IMAP4REV1"}


def test_authenticate_with_an_initial_response() -> None:
    with answers(b"A0001 AUTHENTICATE PLAIN AGFkYQB4\r\n") as script:
        imap = ImapClient(script)
        assert imap.authenticate("ada", "x").ok
        assert imap.state is SessionState.AUTHENTICATED


def test_authenticate_step_by_step() -> None:
    script = greeted(b"* OK [CAPABILITY IMAP4rev1] ready\r\n").client(b"A0001 AUTHENTICATE LOGIN\r\n")
    script.server(b"+ VXNlcm5hbWU6\r\n").client(b"YWRh\r\n").server(b"+ UGFzc3dvcmQ6\r\n").client(b"eA==\r\n")
    with script.server(b"A0001 NO [AUTHENTICATIONFAILED] no\r\n"):
        assert ImapClient(script).authenticate("ada", "x", "LOGIN").no


def test_plain_without_an_initial_response_answers_the_empty_challenge() -> None:
    script = greeted(b"* OK [CAPABILITY IMAP4rev1] ready\r\n").client(b"A0001 AUTHENTICATE PLAIN\r\n")
    with script.server(b"+ \r\n").client(b"AGFkYQB4\r\n").server(b"A0001 OK done\r\n"):
        assert ImapClient(script).authenticate("ada", "x").ok


def test_starttls_forgets_capabilities() -> None:
    script = answers(b"A0001 STARTTLS\r\n").tls().client(b"A0002 CAPABILITY\r\n")
    with script.server(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA0002 OK done\r\n"):
        imap = ImapClient(script)
        assert imap.starttls(ssl.create_default_context(), "mail.test").ok
        assert imap.capabilities == {"IMAP4REV1", "AUTH=PLAIN"}


@pytest.mark.parametrize("injected", [b"* OK injected\r\n", b"* CAPA"])
def test_clear_text_behind_starttls_is_refused(injected: bytes) -> None:
    script = answers(b"A0001 STARTTLS\r\n", b"A0001 OK begin\r\n" + injected)
    with pytest.raises(RemoteProtocolError, match="the TLS handshake") as refusal:
        ImapClient(script).starttls(ssl.create_default_context(), "mail.test")
    assert refusal.value.octets == injected


def test_starttls_refused_stays_in_clear() -> None:
    with answers(b"A0001 STARTTLS\r\n", b"A0001 BAD not here\r\n") as script:
        assert ImapClient(script).starttls(ssl.create_default_context(), "mail.test").bad


def test_pipelined_commands_can_be_finished_in_any_order() -> None:
    script = greeted().client(b"A0001 NOOP\r\nA0002 FETCH 1 FLAGS\r\n")
    script.server(b"* 1 EXISTS\r\nA0001 OK one\r\n* 1 FETCH (FLAGS ())\r\nA0002 OK two\r\n")
    with script:
        imap = ImapClient(script)
        first, second = imap.send_command(b"NOOP"), imap.send_command(b"FETCH 1 FLAGS")
        assert not imap.is_in_step
        assert imap.finish(second).all(FetchData)
        assert imap.finish(first).all(Exists) == [Exists(1)]
        assert imap.is_in_step


def test_finish_of_what_is_not_in_progress_is_our_mistake() -> None:
    imap = ImapClient(greeted())
    with pytest.raises(LocalProtocolError):
        imap.finish(b"A0001")


def test_responses_cut_anywhere() -> None:
    reply = b"* 1 FETCH (BODY[] {4}\r\na\r\nb)\r\nA0001 OK done\r\n"
    script = greeted().client(b"A0001 FETCH 1 BODY[]\r\n")
    with script.server(*(bytes((octet,)) for octet in reply)):
        (data,) = ImapClient(script).fetch(1, "BODY[]").all(FetchData)
    assert data.message == b"a\r\nb"


def idling() -> ScriptedStream:
    return greeted().client(b"A0001 IDLE\r\n").server(b"+ idling\r\n")


def test_idle() -> None:
    script = idling().server(b"* 4 EXISTS\r\n* 1 RECENT\r\n").client(b"DONE\r\n")
    with script.server(b"* 4 EXPUNGE\r\nA0001 OK done\r\n"):
        imap = ImapClient(script)
        with imap.idle() as idle:
            assert idle.accepted
            assert [said.octets for said in idle.wait(1)] == [b"* 4 EXISTS\r\n", b"* 1 RECENT\r\n"]
            assert idle.wait(1) == []
        assert idle.result is not None
        assert idle.result.all(Expunge) == [Expunge(4)]
        with pytest.raises(LocalProtocolError):
            idle.wait(1)


def is_exists(response: Response) -> bool:
    return isinstance(response, Data) and response.name == b"EXISTS"


def test_idle_waits_for_what_is_wanted() -> None:
    script = (
        idling()
        .server(b"* OK still here\r\n", b"* 4 EXISTS\r\n")
        .client(b"DONE\r\n")
        .server(b"A0001 OK x\r\n")
    )
    with script, ImapClient(script).idle() as idle:
        found = idle.wait_for(is_exists, 5)
        assert found is not None
        assert found.octets == b"* 4 EXISTS\r\n"


def test_idle_refused() -> None:
    with answers(b"A0001 IDLE\r\n", b"A0001 BAD what\r\n") as script:
        with ImapClient(script).idle() as idle:
            assert not idle.accepted
        assert idle.result is not None
        assert idle.result.bad


def test_leaving_the_block_logs_out_and_closes() -> None:
    script = greeted().client(b"A0001 LOGOUT\r\n").server(b"* BYE\r\n")
    with ImapClient(script) as imap:
        assert imap.greeting().text == b"ready"
    assert script.closed


def test_leaving_the_block_in_an_error_only_closes() -> None:
    script = greeted()
    imap = ImapClient(script)
    imap.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert script.closed


def test_leaving_the_block_after_logout_says_nothing_more() -> None:
    script = answers(b"A0001 LOGOUT\r\n", b"* BYE so long\r\nA0001 OK done\r\n")
    with script, ImapClient(script) as imap:
        assert imap.logout().ok
    assert script.closed


def test_the_peer_closes() -> None:
    script = greeted().client(b"A0001 NOOP\r\n").server(b"* BYE overloaded\r\n").server_closes()
    imap = ImapClient(script)
    with pytest.raises(PeerClosed, match="after BYE overloaded"):
        imap.noop()
    assert imap.state is SessionState.LOGOUT


def test_the_peer_closes_within_a_response() -> None:
    script = greeted().client(b"A0001 NOOP\r\n").server(b"* 1 FETCH (BODY[] {9}\r\nab").server_closes()
    with pytest.raises(RemoteProtocolError, match="the rest of the response"):
        ImapClient(script).noop()


def test_silence() -> None:
    with pytest.raises(ReplyTimeout):
        ImapClient(greeted().client(b"A0001 NOOP\r\n"), reply_timeout_s=1).noop()


def test_expect_closed() -> None:
    script = greeted().server(b"* BYE idle\r\n").server_closes()
    imap = ImapClient(script)
    imap.greeting()
    assert [response.octets for response in imap.expect_closed()] == [b"* BYE idle\r\n"]


def test_raw_octets() -> None:
    script = greeted().client(b"x1 nOoP\r\n").server(b"x1 OK done\r\n").client(b"+ NOOP\r\n")
    with script.server(b"* BAD no tag\r\n"):
        imap = ImapClient(script)
        assert imap.raw(b"x1 nOoP\r\n", tag=b"x1").ok
        imap.send_raw(b"+ NOOP\r\n")
        assert imap.read_response().octets == b"* BAD no tag\r\n"


def test_the_selected_mailbox_is_followed() -> None:
    script = answers(b"A0001 SELECT x\r\n", b"* 2 EXISTS\r\nA0001 OK [READ-WRITE] done\r\n")
    with script.client(b"A0002 EXPUNGE\r\n").server(b"* 1 EXPUNGE\r\nA0002 OK done\r\n"):
        imap = ImapClient(script)
        imap.select("x")
        assert imap.expunge().all(Expunge) == [Expunge(1)]
        assert imap.selected is not None
        assert imap.selected.exists == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"+ what\r\n", "nothing waits for a continuation"),
        (b"* SEARCH \r\n", "a message number"),
        (b"a0001 OK done\r\n", "the tag of a command in progress"),
        (b"A0001 OK\r\n", "SP"),
        (b"* 0 FETCH (FLAGS ())\r\n", "the number of a message"),
    ],
)
def test_confusion(reply: bytes, expected: str) -> None:
    script = answers(b"A0001 NOOP\r\n", reply)
    with pytest.raises(RemoteProtocolError, match=expected):
        ImapClient(script).noop()


def test_a_lazy_client_reads_data_when_asked() -> None:
    with answers(b"A0001 NOOP\r\n", b"* SEARCH \r\nA0001 OK done\r\n") as script:
        result = ImapClient(script, lazy=True).noop()
    assert result.ok
    with pytest.raises(RemoteProtocolError):
        result.all(Capability)


def test_several_literals_in_one_command() -> None:
    script = greeted().client(b"A0001 LOGIN {2}\r\n").server(b"+ go\r\n").client("é".encode() + b" {2}\r\n")
    with script.server(b"+ on\r\n").client("ü\r\n".encode()).server(b"A0001 OK done\r\n"):
        assert ImapClient(script).login("é", "ü").ok


def test_parts_go_out_as_they_are() -> None:
    script = greeted().client(b"A0001 SEARCH (SUBJECT {1}\r\n").server(b"+ go\r\n").client(b"x)\r\n")
    with script.server(b"A0001 OK done\r\n"):
        assert ImapClient(script).search([b"(SUBJECT ", Literal(b"x"), b")"]).ok
