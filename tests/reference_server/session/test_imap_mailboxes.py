"""CREATE to STATUS: names, the tree of mailboxes, and opening one."""

import pytest
from imap_desk import MESSAGE, ImapPeer, log_in, select

from reference_server.store import Store

pytestmark = pytest.mark.usefixtures("alice")


@pytest.fixture
def peer(store: Store) -> ImapPeer:
    return log_in(store)


def names(lines: list[bytes]) -> list[bytes]:
    return [line.rpartition(b'"/" ')[2] for line in lines]


def test_select_describes_the_mailbox(peer: ImapPeer) -> None:
    peer.append(rest=b"(\\Seen $Junk) ")
    peer.append()
    lines = peer.ask(b"SELECT inbox")
    assert lines[-1].startswith(b"OK [READ-WRITE]")
    assert lines[:3] == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Junk)",
        b"* 2 EXISTS",
        b"* 2 RECENT",
    ]
    text = b"\n".join(lines)
    assert b"* OK [UNSEEN 2]" in text
    assert b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $Junk \\*)]" in text
    assert b"* OK [UIDNEXT 3]" in text
    assert b"* OK [UIDVALIDITY " in text


def test_examine_changes_nothing(store: Store, peer: ImapPeer) -> None:
    peer.append()
    lines = peer.ask(b"EXAMINE INBOX")
    assert lines[-1].startswith(b"OK [READ-ONLY]")
    assert b"* 1 RECENT" in lines
    assert any(line.startswith(b"* OK [PERMANENTFLAGS ()]") for line in lines)
    assert peer.ok(b"FETCH 1 (BODY[]<0.1>)") == [b"* 1 FETCH (BODY[]<0> {1}", b"F)"]
    for command in (b"STORE 1 FLAGS (\\Seen)", b"EXPUNGE", b"UID EXPUNGE 1", b"MOVE 1 INBOX"):
        assert peer.word(command) == b"NO"
    peer.ok(b"CLOSE")
    assert b"* 1 RECENT" in log_in(store).ok(b"SELECT INBOX")


def test_a_select_that_fails_leaves_nothing_selected(peer: ImapPeer) -> None:
    peer.ok(b"SELECT INBOX")
    assert peer.word(b"SELECT nowhere") == b"NO [NONEXISTENT]"
    assert peer.word(b"FETCH 1 UID") == b"BAD"
    assert peer.word(b"SELECT &bad") == b"NO [CANNOT]"


def test_create_delete_rename(peer: ImapPeer) -> None:
    peer.ok(b"CREATE owatagusiam/")
    peer.ok(b"CREATE owatagusiam/blurdybloop")
    assert peer.word(b"CREATE owatagusiam") == b"NO [ALREADYEXISTS]"
    assert peer.word(b"CREATE inbox") == b"NO [ALREADYEXISTS]"
    assert peer.word(b"CREATE a//b") == b"NO [CANNOT]"
    assert peer.word(b'CREATE ""') == b"NO [CANNOT]"
    assert peer.word(b"DELETE INBOX") == b"NO [CANNOT]"
    assert peer.word(b"DELETE nowhere") == b"NO [NONEXISTENT]"
    peer.ok(b"DELETE owatagusiam")
    assert names(peer.ok(b"LIST owatagusiam/ %")) == [b"owatagusiam/blurdybloop"]
    assert peer.ok(b'LIST "" owatagusiam') == [b'* LIST (\\Noselect \\HasChildren) "/" owatagusiam']
    assert peer.word(b"DELETE owatagusiam") == b"NO [HASCHILDREN]"
    assert peer.word(b"SELECT owatagusiam") == b"NO [NONEXISTENT]"
    peer.ok(b"RENAME owatagusiam zap")
    assert peer.word(b"RENAME zap zap/in") == b"NO [CANNOT]"
    assert names(peer.ok(b'LIST "" *')) == [b"INBOX", b"zap", b"zap/blurdybloop"]


def test_rename_of_inbox_moves_its_messages(peer: ImapPeer) -> None:
    peer.append()
    peer.ok(b"RENAME INBOX old")
    assert peer.ok(b"STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]
    assert peer.ok(b"STATUS old (MESSAGES)") == [b"* STATUS old (MESSAGES 1)"]


def test_list(peer: ImapPeer) -> None:
    for name in (
        b"foo",
        b"foo/bar",
        b"foo/bar/baz",
        b'"foo bar"',
        b"&ZeVnLIqe-",
        b"{2+}\r\nx&y".replace(b"&", b""),
    ):
        peer.ok(b"CREATE " + name)
    assert peer.ok(b'LIST "" ""') == [b'* LIST (\\Noselect) "/" ""']
    assert peer.ok(b'LIST "x" ""') == [b'* LIST (\\Noselect) "/" ""']
    everything = [b"INBOX", b"foo", b'"foo bar"', b"foo/bar", b"foo/bar/baz", b"xy", b"&ZeVnLIqe-"]
    assert names(peer.ok(b'LIST "" *')) == everything
    assert names(peer.ok(b'LIST "" %')) == [b"INBOX", b"foo", b'"foo bar"', b"xy", b"&ZeVnLIqe-"]
    assert names(peer.ok(b"LIST foo/ %")) == [b"foo/bar"]
    assert names(peer.ok(b'LIST "" foo/%/b*')) == [b"foo/bar/baz"]
    assert names(peer.ok(b'LIST "" {1+}\r\n%')) == names(peer.ok(b'LIST "" "%"'))
    assert names(peer.ok(b'LIST "" iNb%')) == [b"INBOX"]
    assert names(peer.ok(b'LIST "" &ZeVnLIqe-')) == [b"&ZeVnLIqe-"]
    assert peer.ok(b'LIST "" &broken') == []
    assert peer.ok(b'LIST "" foo') == [b'* LIST (\\HasChildren) "/" foo']
    assert peer.ok(b'LIST "" foo/bar/baz') == [b'* LIST (\\HasNoChildren) "/" foo/bar/baz']
    assert peer.word(b"LIST") == b"BAD"
    assert peer.word(b'LIST ""') == b"BAD"


def test_subscriptions(peer: ImapPeer) -> None:
    peer.ok(b"SUBSCRIBE foo/bar")
    peer.ok(b"SUBSCRIBE inbox")
    assert peer.ok(b'LSUB "" *') == [b'* LSUB () "/" INBOX', b'* LSUB () "/" foo/bar']
    # RFC 3501 §6.3.9: "%" shows a level that has subscriptions below it
    assert peer.ok(b'LSUB "" %') == [b'* LSUB () "/" INBOX', b'* LSUB (\\Noselect) "/" foo']
    peer.ok(b"UNSUBSCRIBE foo/bar")
    peer.ok(b"UNSUBSCRIBE never")
    assert names(peer.ok(b'LSUB "" *')) == [b"INBOX"]
    assert peer.ok(b'LSUB "" ""') == [b'* LSUB (\\Noselect) "/" ""']
    assert peer.word(b"SUBSCRIBE a//b") == b"NO [CANNOT]"


def test_status(store: Store, peer: ImapPeer) -> None:
    peer.append(rest=b"(\\Seen) ")
    (line,) = peer.ok(b"STATUS inbox (UIDNEXT MESSAGES UNSEEN RECENT UIDVALIDITY MESSAGES)")
    assert line.startswith(b"* STATUS INBOX (UIDNEXT 2 MESSAGES 1 UNSEEN 0 RECENT 1 UIDVALIDITY ")
    assert line.count(b"MESSAGES") == 1
    other = select(store)
    other.append()
    assert peer.ok(b"STATUS INBOX (MESSAGES UNSEEN)") == [b"* STATUS INBOX (MESSAGES 2 UNSEEN 1)"]
    assert peer.word(b"STATUS nowhere (MESSAGES)") == b"NO [NONEXISTENT]"
    for wrong in (b"STATUS INBOX ()", b"STATUS INBOX (FOO)", b"STATUS INBOX MESSAGES", b"STATUS INBOX"):
        assert peer.word(wrong) == b"BAD"


def test_append(peer: ImapPeer) -> None:
    tagged = peer.append(rest=b'(\\Flagged \\Recent $Label) "17-Jul-1996 02:44:25 -0700" ')
    assert tagged.startswith(b"OK [APPENDUID ")
    assert b" 1] " in tagged
    assert peer.append(mailbox=b"nowhere").startswith(b"NO [TRYCREATE]")
    assert peer.append(b"").startswith(b"NO")
    assert peer.append(rest=b"(\\Unheard) ").startswith(b"BAD")
    assert peer.append(rest=b'"32-Jul-1996 02:44:25 -0700" ').startswith(b"BAD")
    assert peer.append(b"a\x00b").startswith(b"BAD")
    # several at once (RFC 3502), by synchronizing literals
    assert peer.send(b"b APPEND INBOX (\\Seen) {3}\r\n").startswith(b"+ ")
    assert peer.send(b"one {3}\r\n").startswith(b"+ ")
    assert b" 2:3] " in peer.send(b"two\r\n")
    peer.ok(b"SELECT INBOX")
    assert peer.ok(b"FETCH 1:* (FLAGS INTERNALDATE)")[0] == (
        b'* 1 FETCH (FLAGS (\\Recent \\Flagged $Label) INTERNALDATE "17-Jul-1996 02:44:25 -0700")'
    )
    assert peer.ok(b"FETCH 2:3 (FLAGS)") == [
        b"* 2 FETCH (FLAGS (\\Recent \\Seen))",
        b"* 3 FETCH (FLAGS (\\Recent))",
    ]


def test_append_to_the_selected_mailbox_is_seen_at_once(peer: ImapPeer) -> None:
    peer.ok(b"SELECT INBOX")
    lines = peer.ask(b"APPEND INBOX {%d+}\r\n%s" % (len(MESSAGE), MESSAGE))
    assert lines[:2] == [b"* 1 EXISTS", b"* 1 RECENT"]


def test_deleting_what_is_selected(store: Store, peer: ImapPeer) -> None:
    peer.ok(b"CREATE foo")
    other = select(store, b"foo")
    peer.ok(b"SELECT foo")
    peer.ok(b"DELETE foo")
    assert peer.word(b"CHECK") == b"BAD"
    assert b"* BYE" in other.send(b"a NOOP\r\n")
    assert other.ended


def test_renaming_what_is_selected(store: Store, peer: ImapPeer) -> None:
    peer.ok(b"CREATE foo")
    other = select(store, b"foo", messages=1)
    peer.ok(b"RENAME foo bar")
    assert other.ok(b"FETCH 1 UID") == [b"* 1 FETCH (UID 1)"]
