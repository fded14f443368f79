"""RFC 3501 §3, §6.1, §6.2: which commands each state allows, and those that all do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st

from harness.clients.imap import ImapClient
from harness.conformance import (
    MUST,
    PROSE,
    Need,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import Condition
from harness.wire.imap import Capability, Status
from suites.imap.talk import IMAP, door
from suites.imap.tampering import answered, not_told

_FOR_THE_AUTHENTICATED = (
    b"SELECT INBOX",
    b"EXAMINE INBOX",
    b"STATUS INBOX (MESSAGES)",
    b'LIST "" *',
    b'LSUB "" *',
    b"SUBSCRIBE INBOX",
    b"FETCH 1 FLAGS",
    b"UID SEARCH ALL",
    b"EXPUNGE",
    b"CLOSE",
)
_FOR_THE_SELECTED = (
    b"FETCH 1 FLAGS",
    rb"STORE 1 +FLAGS (\Seen)",
    b"SEARCH ALL",
    b"COPY 1 INBOX",
    b"EXPUNGE",
    b"CLOSE",
    b"CHECK",
    b"UID FETCH 1 FLAGS",
    b"UID SEARCH ALL",
)
_SAY_OK = Rewrite.from_server(rb"^(A[0-9]+) (?:NO|BAD) ", rb"\1 OK ")


@requirement(
    "rfc3501/7.1/greeting",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"\A\* OK", b"* HELLO", count=1),
    also=["rfc9051/7.1/greeting"],
)
def test_the_connection_begins_with_a_greeting(target: Target) -> None:
    """The first line is an untagged OK, PREAUTH or BYE."""
    stream = target.stream(Need.IMAP)
    client = ImapClient(stream, reply_timeout_s=target.reply_timeout_s)
    try:
        greeting = client.greeting()
        legal = {Condition.OK, Condition.PREAUTH, Condition.BYE}
        verify(greeting.kind in legal, expected="* OK, * PREAUTH or * BYE", actual=greeting.octets)
    finally:
        client.disconnect()


@requirement(
    "rfc3501/3.1/authentication-first",
    level=PROSE,
    needs=IMAP,
    refuted_by=_SAY_OK,
    also=["rfc9051/3.1/authentication-first", "rfc9051/3/wrong-state-refused"],
)
@given(lines=st.lists(st.sampled_from(_FOR_THE_AUTHENTICATED), min_size=1, max_size=2, unique=True))
def test_commands_need_authentication(target: Target, lines: list[bytes]) -> None:
    """Before authentication no command about mailboxes or messages is permitted."""
    with door(target) as client:
        if client.greeting().kind is Condition.PREAUTH:
            return
        for line in lines:
            verify_refused(client.command(line), f"{line!r} before authentication")


@requirement(
    "rfc3501/3.2/selection-first",
    level=PROSE,
    needs=IMAP,
    refuted_by=_SAY_OK,
    also=["rfc9051/3.2/selection-first", "rfc9051/3/wrong-state-refused"],
)
@given(lines=st.lists(st.sampled_from(_FOR_THE_SELECTED), min_size=2, max_size=5, unique=True))
def test_commands_need_a_selected_mailbox(target: Target, lines: list[bytes]) -> None:
    """Without a selected mailbox no command about messages is permitted."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        for line in lines:
            verify_refused(client.command(line), f"{line!r} with no mailbox selected")


@requirement(
    "rfc3501/6.2/authenticated-once",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"LOGIN AUTHENTICATE STARTTLS", b"OK", of=b"NO|BAD"),
    also=["rfc9051/6.2/authenticated-once", "rfc9051/3/wrong-state-refused"],
)
@pytest.mark.parametrize(
    "line", [b"LOGIN a b", b"AUTHENTICATE PLAIN", b"STARTTLS"], ids=["login", "auth", "tls"]
)
def test_nobody_authenticates_twice(target: Target, line: bytes) -> None:
    """LOGIN, AUTHENTICATE and STARTTLS are not valid any more once the session is authenticated."""
    with target.imap_mailbox() as box:
        tag = box.client.send_command(line)
        answer = box.client.await_continuation(tag)
        verify(
            getattr(answer, "no", False) or getattr(answer, "bad", False),
            expected=f"NO or BAD in answer to {line!r} in the selected state",
            actual=answer,
        )
        verify_ok(box.client.noop(), "the session goes on")


@contextmanager
def _session_in(target: Target, state: str) -> Iterator[ImapClient]:
    """A session in the state of that name."""
    if state == "not-authenticated":
        with door(target) as client:
            yield client
        return
    with target.imap_mailbox() as box:
        yield box.client if state == "selected" else box.other_session()


_IN_EACH_STATE = pytest.mark.parametrize("state", ["not-authenticated", "authenticated", "selected"])


@requirement(
    "rfc3501/6.1.1/capability-response",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^\* CAPABILITY ([^\r]*)", rb"* CAPABILITY \1\r\n* CAPABILITY \1"),
)
@_IN_EACH_STATE
def test_capability_lists_the_protocol(target: Target, state: str) -> None:
    """CAPABILITY is answered by a single untagged CAPABILITY response with IMAP4rev1 in it, then OK."""
    with _session_in(target, state) as client:
        result = client.capability()
        verify_ok(result)
        told = result.all(Capability)
        verify_equal("the number of untagged CAPABILITY responses", expected=1, actual=len(told))
        if "IMAP4REV2" in told[0].names and "IMAP4REV1" not in told[0].names:
            unsupported("the server speaks IMAP4rev2 only")
        verify("IMAP4REV1" in told[0].names, expected="IMAP4rev1 among them", actual=told[0].names)


@requirement(
    "rfc3501/6.1.2/noop-succeeds",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^(x1) OK ", rb"\1 NO "),
    also=["rfc9051/6.1.2/noop-succeeds"],
)
@_IN_EACH_STATE
def test_noop_always_succeeds(target: Target, state: str) -> None:
    """NOOP is answered OK in every state."""
    with _session_in(target, state) as client:
        verify_ok(client.raw(b"x1 NOOP\r\n", tag=b"x1"))


@requirement(
    "rfc3501/6.1.3/logout-bye",
    level=MUST,
    needs=IMAP,
    refuted_by=not_told(b"LOGOUT", b"BYE"),
    also=["rfc9051/6.1.3/logout-bye", "rfc3501/3.4/logout-bye", "rfc9051/3.4/logout-bye"],
)
@_IN_EACH_STATE
def test_logout_says_bye_then_ok_then_closes(target: Target, state: str) -> None:
    """LOGOUT is answered by an untagged BYE, then the tagged OK, then the end of the connection."""
    with _session_in(target, state) as client:
        result = client.logout()
        verify_ok(result)
        farewells = [
            each
            for each in result.untagged
            if isinstance(each, Status) and each.tag is None and each.kind is Condition.BYE
        ]
        verify(farewells, expected="an untagged BYE before the tagged OK", actual=result.octets)
        verify_equal("what comes after the tagged OK", expected=[], actual=client.expect_closed())
