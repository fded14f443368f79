"""LMTP: LHLO, and a reply for each accepted recipient in their order (RFC 2033)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smtp_bench import bench, codes, greeted

from reference_server.session.smtp.desk import Role


@pytest.mark.parametrize("line", [b"EHLO client.test", b"HELO client.test"])
def test_the_greetings_of_smtp_are_refused(line: bytes) -> None:
    peer = bench(Role.LMTP)
    assert peer.codes(line, b"MAIL FROM:<>") == [500, 503]


def test_lhlo_lists_what_rfc_2033_demands() -> None:
    answer = bench(Role.LMTP).send(b"LHLO client.test")
    assert b"250-PIPELINING\r\n" in answer
    assert b"250-ENHANCEDSTATUSCODES\r\n" in answer


@given(st.lists(st.sampled_from(["alice", "bob", "nobody"]), max_size=6))
def test_one_reply_for_each_accepted_recipient(names: list[str]) -> None:
    peer = greeted(Role.LMTP)
    lines = [f"RCPT TO:<{name}@example.test>".encode() for name in names]
    accepted = [name for name in names if name != "nobody"]
    expected = [550 if name == "nobody" else 250 for name in names]
    assert peer.codes(b"MAIL FROM:<>", *lines) == [250, *expected]
    if not accepted:
        assert peer.codes(b"DATA") == [503]
        return
    assert peer.codes(b"DATA") == [354]
    assert peer.codes(b"text", b".") == [250] * len(accepted)
    assert len(peer.taken) == 1


def test_each_reply_names_its_recipient() -> None:
    peer = greeted(Role.LMTP)
    peer.send(b"MAIL FROM:<>", b"RCPT TO:<bob@example.test>", b"RCPT TO:<alice@example.test>", b"DATA")
    first, second = peer.send(b"text", b".").splitlines()
    assert first.startswith(b"250 2.6.0 <bob@example.test> ")
    assert second.startswith(b"250 2.6.0 <alice@example.test> ")


def test_every_recipient_hears_of_a_failure() -> None:
    peer = greeted(Role.LMTP)
    envelope = (b"MAIL FROM:<>", b"RCPT TO:<alice@example.test>", b"RCPT TO:<bob@example.test>", b"DATA")
    peer.driver.commit_fails = True
    peer.send(*envelope)
    assert peer.codes(b"text", b".") == [451, 451]
    peer.send(*envelope)
    assert codes(peer.driver.send(b"bare\nLF\r\n.\r\n")) == [554, 554]


def test_defect_single_reply() -> None:
    peer = greeted(Role.LMTP, faults=("lmtp-single-reply",))
    peer.send(b"MAIL FROM:<>", b"RCPT TO:<alice@example.test>", b"RCPT TO:<bob@example.test>", b"DATA")
    assert peer.codes(b"text", b".") == [250]


def test_the_protocol_is_lmtp() -> None:
    peer = greeted(Role.LMTP)
    peer.send(b"MAIL FROM:<>", b"RCPT TO:<alice@example.test>", b"DATA", b".")
    assert peer.taken[0].envelope.protocol == "LMTP"
