"""FETCH, STORE, COPY, MOVE, EXPUNGE: one session and its messages."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imap_desk import MESSAGE, ImapPeer, log_in, select

from reference_server.session.imap.commands import fetch as fetch_command
from reference_server.store import Store

pytestmark = pytest.mark.usefixtures("alice")


def test_body_is_what_was_appended(store: Store) -> None:
    peer = select(store, messages=1)
    literal = b"{%d}\r\n%s" % (len(MESSAGE), MESSAGE)
    assert (
        peer.send(b"a FETCH 1 BODY.PEEK[]\r\n")
        == b"* 1 FETCH (BODY[] %s)\r\na OK FETCH completed\r\n" % literal
    )
    assert peer.send(b"a FETCH 1 BODY[]\r\n").startswith(
        b"* 1 FETCH (BODY[] %s FLAGS (\\Recent \\Seen))\r\n" % literal
    )
    # a second time there is no news in it
    assert peer.send(b"a FETCH 1 RFC822\r\n").startswith(b"* 1 FETCH (RFC822 %s)\r\na OK" % literal)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(min_size=1, max_size=2000).map(lambda octets: octets.replace(b"\0", b"")).filter(len))
def test_any_octets_come_back(store: Store, octets: bytes) -> None:
    peer = log_in(store)
    assert peer.append(octets).startswith(b"OK")
    peer.ok(b"SELECT INBOX")
    said = peer.send(b"a FETCH * (RFC822.SIZE BODYSTRUCTURE ENVELOPE BODY.PEEK[])\r\n")
    assert said.endswith(b"BODY[] {%d}\r\n%s)\r\na OK FETCH completed\r\n" % (len(octets), octets))
    assert b"RFC822.SIZE %d " % len(octets) in said
    peer.cut()


def test_items_and_macros(store: Store) -> None:
    peer = select(store)
    peer.append(rest=b'"17-Jul-1996 02:44:25 -0700" ')
    date = b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"'
    fast = b"FLAGS (\\Recent) %s RFC822.SIZE %d" % (date, len(MESSAGE))
    from_ = b'(("Fred" NIL "fred" "one.test"))'
    envelope = b'ENVELOPE (NIL "lunch" %s %s %s ((NIL NIL "alice" "one.test")) NIL NIL NIL NIL)' % (
        from_,
        from_,
        from_,
    )
    body = b'BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 10 1)'
    assert peer.ok(b"FETCH 1 FAST") == [b"* 1 FETCH (%s)" % fast]
    assert peer.ok(b"FETCH 1 all") == [b"* 1 FETCH (%s %s)" % (fast, envelope)]
    assert peer.ok(b"FETCH 1 FULL") == [b"* 1 FETCH (%s %s %s)" % (fast, envelope, body)]
    assert peer.ok(b"FETCH 1 (UID UID)") == [b"* 1 FETCH (UID 1)"]
    assert peer.ok(b"UID FETCH 1 (FLAGS)") == [b"* 1 FETCH (UID 1 FLAGS (\\Recent))"]
    assert peer.ok(b"UID FETCH 1 BODYSTRUCTURE")[0].startswith(b"* 1 FETCH (UID 1 BODYSTRUCTURE (")
    assert peer.send(b"a FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject {1+}\r\nX)])\r\n").startswith(
        b"* 1 FETCH (BODY[HEADER.FIELDS (Subject X)] {18}\r\nSubject: lunch\r\n\r\n)\r\n"
    )
    assert peer.send(b"a FETCH 1 BODY.PEEK[TEXT]<3.100>\r\n").startswith(
        b"* 1 FETCH (BODY[TEXT]<3> {7}\r\nnoon?\r\n)\r\n"
    )
    assert peer.send(b"a FETCH 1 BODY.PEEK[7]\r\n").startswith(b"* 1 FETCH (BODY[7] NIL)\r\n")


@pytest.mark.parametrize(
    "arguments",
    [
        b"1",
        b"1 ",
        b"1 ()",
        b"1 (FLAGS",
        b"1 (FLAGS  UID)",
        b"1 FLAGS UID",
        b"1 (ALL)",
        b"1 FOO",
        b"1 BODY[",
        b"1 BODY[MIME]",
        b"1 BODY[0]",
        b"1 BODY[1.]",
        b"1 BODY[HEADER.FIELDS ()]",
        b"1 BODY[]<0>",
        b"1 BODY[]<0.0>",
        b"1 FLAGS[]",
        b"2 FLAGS",
        b"0 FLAGS",
        b"x FLAGS",
    ],
)
def test_garbled_fetch(store: Store, arguments: bytes) -> None:
    peer = select(store, messages=1)
    assert peer.word(b"FETCH " + arguments) == b"BAD"


def test_numbers_that_do_not_exist(store: Store) -> None:
    empty = select(store)
    assert empty.word(b"FETCH 1:* FLAGS") == b"BAD"
    assert empty.ok(b"UID FETCH 1:* FLAGS") == []
    assert empty.ok(b"UID STORE 1 FLAGS (\\Seen)") == []
    assert empty.ok(b"UID COPY 1 INBOX") == []


def test_fetch_of_many_goes_in_slices(store: Store) -> None:
    peer = log_in(store)
    literal = b" {%d+}\r\n%s" % (len(MESSAGE), MESSAGE)
    peer.ok(b"APPEND INBOX" + literal * 999)
    for _ in range(4):
        peer.ok(b"APPEND INBOX" + literal * 999)
    peer.ok(b"SELECT INBOX")
    before = len(peer.effects)
    lines = peer.ok(b"FETCH 1:* (UID FLAGS RFC822.SIZE)")
    assert lines == [
        b"* %d FETCH (UID %d FLAGS (\\Recent) RFC822.SIZE %d)" % (n, n, len(MESSAGE)) for n in range(1, 4996)
    ]
    assert len(peer.effects) > before + 2
    before = len(peer.effects)
    assert len(peer.ok(b"FETCH 2000:2999 BODY.PEEK[TEXT]")) == 3000
    assert len(peer.effects) > before + 2


def test_store(store: Store) -> None:
    peer = select(store, messages=3)
    assert peer.ok(b"STORE 2:3 +FLAGS (\\Deleted)") == [
        b"* 2 FETCH (FLAGS (\\Recent \\Deleted))",
        b"* 3 FETCH (FLAGS (\\Recent \\Deleted))",
    ]
    assert peer.ok(b"STORE 2 -FLAGS.SILENT \\Deleted \\Seen") == []
    assert peer.ok(b"UID STORE 2 FLAGS (\\Seen $New)") == [
        b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $New)",
        b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $New \\*)] New keywords",
        b"* 2 FETCH (UID 2 FLAGS (\\Recent \\Seen $New))",
    ]
    assert peer.ok(b"STORE 2 +FLAGS (\\sEEN $new)") == [b"* 2 FETCH (FLAGS (\\Recent \\Seen $New))"]
    assert peer.ok(b"STORE 2 FLAGS ()") == [b"* 2 FETCH (FLAGS (\\Recent))"]
    for wrong in (
        b"1 FLAGS",
        b"1 FLAGS (\\Foo)",
        b"1 FLAGS (\\*)",
        b"1 +FLAGS.LOUD (\\Seen)",
        b"9 FLAGS ()",
        b"1 (\\Seen)",
    ):
        assert peer.word(b"STORE " + wrong) == b"BAD"


def test_a_store_that_changes_nothing_costs_no_write(store: Store) -> None:
    peer = select(store, messages=1)
    peer.ok(b"STORE 1 +FLAGS (\\Seen)")
    before = len(peer.effects)
    assert peer.ok(b"STORE 1 +FLAGS (\\Seen)") == [b"* 1 FETCH (FLAGS (\\Recent \\Seen))"]
    assert len(peer.effects) == before + 1


def test_too_many_keywords(store: Store) -> None:
    peer = select(store, messages=1)
    words = b" ".join(b"k%d" % number for number in range(70))
    assert peer.word(b"STORE 1 FLAGS (%s)" % words) == b"NO [LIMIT]"


def test_expunge_renumbers(store: Store) -> None:
    # the example of RFC 3501 §6.4.3
    peer = select(store, messages=11)
    peer.ok(b"STORE 3,4,7,11 +FLAGS.SILENT (\\Deleted)")
    assert peer.ok(b"EXPUNGE") == [b"* 3 EXPUNGE", b"* 3 EXPUNGE", b"* 5 EXPUNGE", b"* 8 EXPUNGE"]
    assert peer.ok(b"FETCH 1:* UID") == [
        b"* %d FETCH (UID %d)" % pair for pair in enumerate((1, 2, 5, 6, 8, 9, 10), 1)
    ]


def test_uid_expunge_and_close(store: Store) -> None:
    peer = select(store, messages=3)
    peer.ok(b"STORE 1:3 +FLAGS.SILENT (\\Deleted)")
    assert peer.ok(b"UID EXPUNGE 2,7") == [b"* 2 EXPUNGE"]
    assert peer.ok(b"UID EXPUNGE 7") == []
    peer.ok(b"CHECK")
    peer.ok(b"UNSELECT")
    peer.ok(b"SELECT INBOX")
    assert peer.ok(b"CLOSE") == []
    assert b"* 0 EXISTS" in peer.ok(b"SELECT INBOX")
    assert peer.word(b"UID EXPUNGE") == b"BAD"


def test_copy_and_move(store: Store) -> None:
    peer = select(store, messages=3)
    peer.ok(b"STORE 2 FLAGS.SILENT (\\Flagged $Label)")
    assert peer.word(b"COPY 2 meeting") == b"NO [TRYCREATE]"
    peer.ok(b"CREATE meeting")
    tagged = peer.ask(b"COPY 2:3 meeting")[-1]
    assert tagged.startswith(b"OK [COPYUID ")
    assert b" 2:3 1:2] " in tagged
    lines = peer.ok(b"UID MOVE 1,3 meeting")
    assert lines[0].startswith(b"* OK [COPYUID ")
    assert b" 1,3 3:4]" in lines[0]
    assert lines[1:] == [b"* 1 EXPUNGE", b"* 2 EXPUNGE"]
    peer.ok(b"SELECT meeting")
    assert peer.ok(b"FETCH 1 (FLAGS UID)") == [b"* 1 FETCH (FLAGS (\\Recent \\Flagged $Label) UID 1)"]
    assert peer.word(b"MOVE 9 INBOX") == b"BAD"
    assert peer.ok(b"UID MOVE 99 INBOX") == []


def test_partial_fetches_of_a_large_message(store: Store) -> None:
    peer: ImapPeer = log_in(store)
    message = MESSAGE + b"0123456789abcde\n" * 10_000
    peer.append(message)
    peer.ok(b"SELECT INBOX")
    got = b""
    for start in range(0, len(message), 65_536):
        said = peer.send(b"a FETCH 1 BODY.PEEK[]<%d.65536>\r\n" % start)
        got += said.partition(b"\r\n")[2].removesuffix(b")\r\na OK FETCH completed\r\n")
    assert got == message
    assert peer.session.chosen.kept is not None
    peer.ok(b"FETCH 1 BODY.PEEK[HEADER]")
    peer.ok(b"FETCH 1 BODY.PEEK[1]")
    assert peer.session.chosen.kept is None


def test_long_commands_are_not_remembered(store: Store) -> None:
    peer = select(store, messages=1)
    before = fetch_command._parse.cache_info().currsize
    names = b" ".join(b"x%d" % number for number in range(1000))
    peer.ok(b"FETCH 1 BODY.PEEK[HEADER.FIELDS (" + names + b")]")
    assert fetch_command._parse.cache_info().currsize == before
