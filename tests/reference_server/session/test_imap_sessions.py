"""Several sessions on one mailbox: who is told what, and when."""

import pytest
from imap_desk import MESSAGE, log_in, select

from reference_server.store import Store

pytestmark = pytest.mark.usefixtures("alice")


def test_new_mail_is_reported_at_the_next_command(store: Store) -> None:
    peer, other = select(store), log_in(store)
    other.append()
    assert peer.ok(b"NOOP") == [b"* 1 EXISTS", b"* 1 RECENT"]
    other.append()
    assert peer.ok(b"FETCH 1 UID") == [b"* 1 FETCH (UID 1)", b"* 2 EXISTS", b"* 2 RECENT"]


def test_recent_belongs_to_the_first_session(store: Store) -> None:
    peer = select(store, messages=1)
    other = select(store)
    assert peer.ok(b"FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS (\\Recent))"]
    assert other.ok(b"FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS ())"]
    assert other.ok(b"SEARCH RECENT") == [b"* SEARCH"]
    assert peer.ok(b"SEARCH NEW") == [b"* SEARCH 1"]
    assert other.ok(b"SEARCH OLD") == [b"* SEARCH 1"]


def test_flags_of_others_are_reported(store: Store) -> None:
    peer, other = select(store, messages=2), select(store)
    assert other.ok(b"STORE 2 +FLAGS (\\Seen $X)")[-1] == b"* 2 FETCH (FLAGS (\\Seen $X))"
    assert peer.ok(b"NOOP") == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $X)",
        b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $X \\*)] New keywords",
        b"* 2 FETCH (UID 2 FLAGS (\\Recent \\Seen $X))",
    ]
    assert peer.ok(b"NOOP") == []
    assert other.ok(b"NOOP") == []


def test_expunge_waits_for_a_command_that_may_bring_it(store: Store) -> None:
    peer, other = select(store, messages=3), select(store)
    other.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok(b"EXPUNGE")
    # RFC 3501 §7.4.1: not during FETCH, STORE and SEARCH; numbers stay as they were
    lines = peer.ok(b"FETCH 2 UID")
    assert b"* 2 FETCH (UID 2)" in lines
    assert not any(line.endswith(b"EXPUNGE") for line in lines)
    assert peer.ok(b"SEARCH ALL") == [b"* SEARCH 1 2 3"]
    assert peer.ok(b"STORE 3 +FLAGS (\\Seen)") == [b"* 3 FETCH (FLAGS (\\Recent \\Seen))"]
    assert peer.send(b"a FETCH 1 BODY.PEEK[]\r\n").startswith(
        b"* 1 FETCH (BODY[] {%d}\r\n%s" % (len(MESSAGE), MESSAGE)
    )
    assert peer.ok(b"FETCH 1:3 (UID FLAGS)") == [
        b"* 1 FETCH (UID 1 FLAGS (\\Recent \\Deleted))",
        b"* 2 FETCH (UID 2 FLAGS (\\Recent))",
        b"* 3 FETCH (UID 3 FLAGS (\\Recent \\Seen))",
    ]
    assert peer.ask(b"STORE 1 FLAGS (\\Seen)")[-1].startswith(b"NO [EXPUNGEISSUED]")
    assert peer.word(b"COPY 1:2 INBOX") == b"NO [EXPUNGEISSUED]"
    assert peer.ok(b"FETCH 1:* UID")[0] == b"* 1 FETCH (UID 2)"


def test_copy_may_bring_the_expunge(store: Store) -> None:
    peer, other = select(store, messages=2), select(store)
    other.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok(b"EXPUNGE")
    assert b"* 1 EXPUNGE" in peer.ask(b"NOOP")
    assert peer.ok(b"FETCH 1 UID") == [b"* 1 FETCH (UID 2)"]


def test_uid_commands_may_bring_it_too(store: Store) -> None:
    peer, other = select(store, messages=2), select(store)
    other.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.ok(b"EXPUNGE")
    lines = peer.ok(b"UID FETCH 2 FLAGS")
    assert lines == [b"* 2 FETCH (UID 2 FLAGS (\\Recent))", b"* 1 EXPUNGE"]


def test_idle(store: Store) -> None:
    peer, other = select(store, messages=1), select(store)
    assert peer.send(b"a IDLE\r\n") == b"+ idling\r\n"
    assert peer.waiting is not None
    assert peer.waiting.news
    other.append()
    assert peer.news() == b"* 2 EXISTS\r\n* 1 RECENT\r\n" or peer.session.rung
    other.ok(b"STORE 1 +FLAGS (\\Deleted)")
    assert peer.news() == b"* 1 FETCH (UID 1 FLAGS (\\Recent \\Deleted))\r\n"
    other.ok(b"EXPUNGE")
    assert peer.news() == b"* 1 EXPUNGE\r\n"
    assert peer.send(b"do") == b""
    assert peer.send(b"ne\r\n") == b"a OK IDLE terminated\r\n"
    other.append()
    assert peer.news() == b""
    assert b"* 2 EXISTS" in peer.ok(b"NOOP")


def test_idle_begins_with_what_is_due_and_ends_with_done_only(store: Store) -> None:
    peer, other = select(store), log_in(store)
    other.append()
    assert peer.send(b"a IDLE\r\n") == b"+ idling\r\n* 1 EXISTS\r\n* 1 RECENT\r\n"
    assert peer.send(b"b NOOP\r\n") == b"a BAD Expected DONE\r\n"
    assert peer.ok(b"NOOP") == []
    # also without a mailbox, and with DONE at once
    assert other.send(b"a IDLE\r\nDONE\r\n") == b"+ idling\r\na OK IDLE terminated\r\n"
    other.send(b"a IDLE\r\n")
    assert other.shut_down().startswith(b"* BYE")


def test_idle_of_a_mailbox_that_is_deleted(store: Store) -> None:
    other = log_in(store)
    other.ok(b"CREATE foo")
    peer = select(store, b"foo")
    peer.send(b"a IDLE\r\n")
    other.ok(b"DELETE foo")
    assert peer.news().startswith(b"* BYE")
    assert peer.ended


def test_move_is_expunge_and_exists_for_others(store: Store) -> None:
    peer, other = select(store, messages=2), select(store)
    other.ok(b"MOVE 1 INBOX")
    assert peer.ok(b"NOOP")[:2] == [b"* 1 EXPUNGE", b"* 2 EXISTS"]
    assert peer.ok(b"FETCH 1:* UID") == [b"* 1 FETCH (UID 2)", b"* 2 FETCH (UID 3)"]
