import random

from hypothesis import example, given
from hypothesis import strategies as st

from harness.wire.smtp import dot_stuff
from loadtests.messages import build, draw, find_id, fingerprint
from loadtests.profile_file import Share

TRACE = b"Return-Path: <a@b.test>\r\nReceived: from x by y; now\r\n"


@given(octets=st.integers(0, 3000))
@example(octets=0)
def test_messages_are_whole_lines_of_about_the_size(octets: int) -> None:
    message = build("abc.1.2", sender="a@b.test", recipient="c@d.test", date="now", octets=octets)
    assert message.octets.endswith(b"\r\n")
    assert message.octets.replace(b"\r\n", b"").isascii()
    assert b"\r" not in message.octets.replace(b"\r\n", b"")
    assert b"\n" not in message.octets.replace(b"\r\n", b"")
    assert octets <= len(message.octets) <= max(octets, 400) + 80
    assert dot_stuff(message.octets).endswith(b"\r\n.\r\n")


def test_ids_are_found_in_messages_and_headers() -> None:
    message = build("abc.1.2", sender="a@b.test", recipient="c@d.test", date="now", octets=2000)
    assert find_id(message.octets) == "abc.1.2"
    assert find_id(TRACE + message.octets) == "abc.1.2"
    assert find_id(b"x-mailproof-id: abc.1.2\r\n\r\n") == "abc.1.2"


def test_foreign_messages_have_no_id() -> None:
    assert find_id(b"Subject: x\r\n\r\nX-Mailproof-Id: abc.1.2\r\n") is None
    assert find_id(b"X-Mailproof-Id: something else\r\n\r\n") is None
    assert find_id(b"") is None


def test_fingerprints_bear_trace_fields_on_top_and_nothing_else() -> None:
    message = build("abc.1.2", sender="a@b.test", recipient="c@d.test", date="now", octets=1500)
    assert message.print.matches(message.octets)
    assert message.print.matches(TRACE + message.octets)
    assert not message.print.matches(message.octets + b"\r\n")
    assert not message.print.matches(message.octets.replace(b"\r\n..A", b"\r\n.A", 1))
    assert not message.print.matches(message.octets[1:])
    assert not message.print.matches(b"")


def test_fingerprint_is_of_the_octets() -> None:
    assert fingerprint(b"a") == fingerprint(b"a") != fingerprint(b"b")


@given(seed=st.integers(), most=st.integers(1, 2000))
def test_draws_stay_in_their_buckets(seed: int, most: int) -> None:
    shares = (Share(1.0, 10, 20), Share(2.0, 1000, 2000), Share(0.0, 5000, 6000))
    value = draw(shares, random.Random(seed), most)
    assert value <= most
    assert 10 <= value <= 20 or 1000 <= value <= 2000 or value == most


def test_draws_follow_the_weights() -> None:
    source = random.Random(1)
    values = [draw((Share(3.0, 1, 1), Share(1.0, 9, 9)), source) for _ in range(4000)]
    assert 0.7 < values.count(1) / 4000 < 0.8
