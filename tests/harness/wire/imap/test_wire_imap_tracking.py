"""What the tracker makes of a dialogue, and what it does not let pass."""

import pytest

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import SessionState
from harness.wire.imap import SelectedMailbox, SessionTracker, parse_greeting, parse_response


def follow(*lines: bytes) -> SessionTracker:
    """Play a dialogue in which `C: tag words` is a command and all else a response."""
    tracker = SessionTracker()
    tracker.greeted(parse_greeting(b"* PREAUTH ready\r\n"))
    for line in lines:
        if line.startswith(b"C: "):
            tag, *words = line.removeprefix(b"C: ").split(b" ")
            tracker.sent(tag, words)
        else:
            tracker.receive(parse_response(line + b"\r\n"))
    return tracker


SELECT = (
    b"C: 1 SELECT",
    b"* 3 EXISTS",
    b"* 1 RECENT",
    rb"* FLAGS (\Seen $x)",
    b"* OK [UIDVALIDITY 5] x",
    b"* OK [UIDNEXT 9] x",
    b"* OK [UNSEEN 2] x",
    b"* OK [HIGHESTMODSEQ 77] x",
    rb"* OK [PERMANENTFLAGS (\Seen \*)] x",
    b"1 OK [READ-WRITE] done",
)


def test_select() -> None:
    tracker = follow(*SELECT)
    assert tracker.state is SessionState.SELECTED
    assert tracker.selected == SelectedMailbox(
        read_only=False,
        exists=3,
        recent=1,
        uid_validity=5,
        uid_next=9,
        unseen=2,
        flags=(rb"\Seen", b"$x"),
        permanent_flags=(rb"\Seen", rb"\*"),
        highest_mod_seq=77,
    )


def test_examine_is_read_only() -> None:
    tracker = follow(b"C: 1 EXAMINE", b"* 0 EXISTS", b"1 OK [READ-ONLY] done")
    assert tracker.selected is not None
    assert tracker.selected.read_only


def test_messages_come_and_go() -> None:
    tracker = follow(*SELECT, b"* 5 EXISTS", b"* 5 EXPUNGE", b"* 1 EXPUNGE", b"* 3 EXISTS", b"* VANISHED 4,6")
    assert tracker.selected is not None
    assert tracker.selected.exists == 1


def test_what_vanished_earlier_is_not_counted() -> None:
    tracker = follow(*SELECT, b"* VANISHED (EARLIER) 1:1000")
    assert tracker.selected is not None
    assert tracker.selected.exists == 3


def test_another_select_begins_anew() -> None:
    tracker = follow(
        *SELECT,
        b"C: 2 SELECT",
        b"* 3 EXPUNGE",
        b"* 9 EXISTS",
        b"* OK [CLOSED] x",
        b"* 1 EXISTS",
        b"2 OK done",
    )
    assert tracker.selected == SelectedMailbox(exists=1)


def test_a_refused_select_leaves_nothing_selected() -> None:
    tracker = follow(*SELECT, b"C: 2 SELECT", b"2 NO none such")
    assert (tracker.state, tracker.selected) == (SessionState.AUTHENTICATED, None)


def test_a_select_not_understood_changes_nothing() -> None:
    tracker = follow(*SELECT, b"C: 2 SELECT", b"2 BAD what")
    assert tracker.state is SessionState.SELECTED
    assert tracker.selected is not None


@pytest.mark.parametrize("command", [b"CLOSE", b"UNSELECT"])
def test_the_end_of_a_selection(command: bytes) -> None:
    tracker = follow(*SELECT, b"C: 2 " + command, b"2 OK done")
    assert (tracker.state, tracker.selected) == (SessionState.AUTHENTICATED, None)


def test_logout() -> None:
    tracker = follow(b"C: 1 LOGOUT", b"* BYE so long", b"1 OK done")
    assert tracker.state is SessionState.LOGOUT
    assert tracker.farewell is not None
    assert tracker.farewell.text == b"so long"


def known_capabilities(tracker: SessionTracker) -> frozenset[str] | None:
    return tracker.capabilities


def test_capabilities_come_and_are_forgotten() -> None:
    tracker = SessionTracker()
    tracker.greeted(parse_greeting(b"* OK [CAPABILITY IMAP4rev1 X] hello\r\n"))
    assert tracker.capabilities == frozenset({"IMAP4REV1", "X"})
    tracker.sent(b"1", [b"LOGIN"])
    tracker.receive(parse_response(b"1 OK done\r\n"))
    assert tracker.state is SessionState.AUTHENTICATED
    assert known_capabilities(tracker) is None
    tracker.receive(parse_response(b"* CAPABILITY IMAP4rev1\r\n"))
    assert tracker.capabilities == frozenset({"IMAP4REV1"})
    tracker.after_tls()
    assert known_capabilities(tracker) is None


def test_capabilities_told_during_login_stay() -> None:
    tracker = follow(b"C: 1 LOGIN", b"1 OK [CAPABILITY IMAP4rev1 Y] done")
    assert tracker.capabilities == frozenset({"IMAP4REV1", "Y"})


def test_a_refused_login_changes_nothing() -> None:
    tracker = SessionTracker()
    tracker.sent(b"1", [b"LOGIN"])
    tracker.receive(parse_response(b"1 NO wrong\r\n"))
    assert tracker.state is SessionState.NOT_AUTHENTICATED


def test_enabled() -> None:
    assert follow(b"C: 1 ENABLE", b"* ENABLED CONDSTORE", b"1 OK done").enabled == frozenset({"CONDSTORE"})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"* 4 EXPUNGE", "EXPUNGE of a message from 1 to 3"),
        (b"* 2 EXISTS", "EXISTS of at least 3"),
        (b"* VANISHED 1:4", "at most 3 messages to vanish"),
        (b"9 OK done", "the tag of a command in progress"),
        (b"1 OK done twice", "the tag of a command in progress"),
        (b"* PREAUTH again", "PREAUTH only as a greeting"),
    ],
)
def test_contradictions(line: bytes, expected: str) -> None:
    with pytest.raises(RemoteProtocolError, match=expected):
        follow(*SELECT, line)


def test_a_tag_has_case() -> None:
    with pytest.raises(RemoteProtocolError, match="the tag of a command"):
        follow(b"C: A1 NOOP", b"a1 OK done")
