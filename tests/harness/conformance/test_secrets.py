"""Evidence shows no password, in whatever shape it was sent, and keeps every size as it was."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from harness.conformance.secrets import Secrets
from harness.transport.transcript import Entry, Kind, Transcript

PASSWORD = "open sesame"


def hidden(*octets: bytes, kind: Kind = Kind.CLIENT) -> bytes:
    entries = [Entry(kind, piece, 0.0) for piece in octets]
    after = list(Secrets([PASSWORD]).hide(entries))
    assert [len(entry.octets) for entry in after] == [len(piece) for piece in octets]
    return b"".join(entry.octets for entry in after)


def test_in_clear() -> None:
    assert hidden(b"PASS open sesame\r\n") == b"PASS ***********\r\n"


def test_in_base64() -> None:
    plain = base64.b64encode(b"\0alice\0" + PASSWORD.encode())
    assert hidden(b"AUTH PLAIN " + plain + b"\r\n") == b"AUTH PLAIN " + b"*" * len(plain) + b"\r\n"
    login = base64.b64encode(PASSWORD.encode())
    assert hidden(login + b"\r\n") == b"*" * len(login) + b"\r\n"


def test_other_base64_is_kept() -> None:
    word = base64.b64encode(b"\0alice\0something else")
    assert hidden(word) == word


@given(st.integers(0, 18))
def test_in_pieces(cut: int) -> None:
    line = b"PASS open sesame\r\n"
    assert hidden(line[:cut], line[cut:]) == b"PASS ***********\r\n"


def test_what_the_server_echoes() -> None:
    assert hidden(b"-ERR open sesame is wrong\r\n", kind=Kind.SERVER) == b"-ERR *********** is wrong\r\n"


def test_a_short_password_hides_no_word_of_the_server() -> None:
    (entry,) = Secrets(["ok"]).hide([Entry(Kind.SERVER, b"+ok\r\n", 0.0)])
    assert entry.octets == b"+ok\r\n"


def test_a_transcript_is_copied_not_changed() -> None:
    transcript = Transcript()
    transcript.record(Kind.CLIENT, b"PASS open sesame\r\n")
    assert transcript.changed_by(Secrets([PASSWORD]).hide).render() == "C: PASS ***********"
    assert transcript.render() == "C: PASS open sesame"
