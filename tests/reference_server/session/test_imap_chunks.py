"""A session gives the same answers however the client's octets arrive, and survives any of them."""

import pytest
from conftest import PASSWORD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imap_desk import MESSAGE, ImapPeer

from reference_server.session.imap.command import COMMANDS
from reference_server.store import Account, Store

DIALOGUE = (
    b"a1 CAPABILITY\r\na2 LOGIN alice {13}\r\ncorrect horse\r\na3 SELECT INBOX\r\n"
    b"a4 APPEND INBOX (\\Seen) {%d+}\r\n%s\r\n"
    b"garbled\r\na5 FETCH 1 (FLAGS BODY[HEADER.FIELDS (Subject)])\r\na6 SEARCH SUBJECT {5+}\r\nlunch\r\n"
    b"a7 STORE 1 -FLAGS (\\Seen)\r\nbare\na8 IDLE\r\nDONE\r\na9 STORE 1 +FLAGS (\\Deleted)\r\na10 EXPUNGE\r\n"
    b"a11 LOGIN x {99999999999}\r\na12 X {5+}\r\nhello\r\na13 LOGOUT\r\n"
) % (len(MESSAGE), MESSAGE)


def played(store: Store, chunks: list[bytes]) -> bytes:
    peer = ImapPeer(store)
    said = peer.greeting
    for chunk in chunks:
        if peer.ended:
            break
        said += peer.send(chunk)
    peer.cut()
    return said


def scrubbed(said: bytes) -> bytes:
    """Take out the UIDs, which count on from one run to the next."""
    return b"\n".join(
        line for line in said.split(b"\r\n") if b"APPENDUID" not in line and b"UIDNEXT" not in line
    )


@pytest.mark.usefixtures("alice")
def test_every_border(store: Store) -> None:
    whole = scrubbed(played(store, [DIALOGUE]))
    assert b"a13 OK LOGOUT" in whole
    assert scrubbed(played(store, [DIALOGUE[at : at + 1] for at in range(len(DIALOGUE))])) == whole
    for border in range(0, len(DIALOGUE), 7):
        assert scrubbed(played(store, [DIALOGUE[:border], DIALOGUE[border:]])) == whole


WORDS = st.sampled_from(
    [
        *COMMANDS,
        *(
            b'UID INBOX foo 1 1:* * 4294967295 ( ) (FLAGS) BODY[] BODY.PEEK[1]<0.5> FULL ALL \\Seen "x" '
            b"+FLAGS {3} {3+} {99} abc OR NOT SUBJECT RETURN () NIL DONE PLAIN = AGFsaWNlAHg=".split()
        ),
        b"\r\n",
        b"\r\n",
        b"\r\na ",
        b"\r\na ",
        b"\xff\x00",
    ]
)
LOGIN = b'a LOGIN alice "%s"\r\n' % PASSWORD.encode("ascii")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(WORDS, max_size=60).map(b" ".join), st.booleans())
def test_any_octets_are_answered(store: Store, alice: Account, octets: bytes, inside: bool) -> None:
    assert alice
    peer = ImapPeer(store)
    if inside:
        peer.send(LOGIN)
        peer.append()
        peer.ok(b"SELECT INBOX")
    said = b"" if peer.ended else peer.send(octets)
    assert said.endswith(b"\r\n") or not said
    peer.cut()
