from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from harness.clients.smtp import SmtpClient
from harness.conformance import (
    MUST,
    MUST_NOT,
    SHOULD,
    Need,
    Offers,
    given,
    requirement,
    verify_equal,
    verify_reply,
)
from harness.strategies import chunks, commands
from harness.targets import Target
from harness.transport.tamper import Rewrite, Tamperer
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, codes, note
from suites.rfc5321.tampering import Forged

_OFFERED = Offers(Service.SMTP, "PIPELINING")


def groups() -> st.SearchStrategy[list[bytes]]:
    """Commands of a group: RSET, MAIL and RCPT anywhere, another one last (RFC 2920 §3.1)."""
    body = [
        b"RSET",
        b"MAIL FROM:<%b>" % SENDER.encode(),
        b"RCPT TO:<Postmaster>",
        b"MAIL FROM:<>",
        b"RCPT TO:<>",
    ]
    last = (
        st.sampled_from([b"NOOP", b"VRFY postmaster", b"EHLO client.mailproof.test"])
        | commands.unknown_verbs()
    )
    return st.builds(
        lambda first, ending: [*first, ending], st.lists(st.sampled_from(body), min_size=1, max_size=6), last
    )


@requirement(
    "rfc2920/3.2/in-order",
    level=MUST,
    needs={_OFFERED},
    refuted_by=Rewrite.from_server(rb"^(\d{3} [^\r\n]*\r\n)(\d{3} [^\r\n]*\r\n)", rb"\2\1"),
)
@given(group=groups())
def test_replies_come_in_the_order_of_commands(target: Target, group: list[bytes]) -> None:
    """A group sent at once has the replies that its commands have when sent one by one."""
    with target.smtp() as peer, target.smtp() as other:
        one_by_one = [other.command(line) for line in group]
        at_once = peer.pipeline(group)
        verify_reply(peer.noop(), code=250, why="all replies have come")
    verify_equal("the codes of the replies", expected=codes(one_by_one), actual=codes(at_once))


@dataclass(frozen=True, slots=True)
class Flushed:
    """A server that forgets the rest of what has arrived once it has read a command."""

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Flush()


class _Flush:
    """Turns every command behind the first of one `send` into nothing, so that its reply is another one."""

    def from_client(self, octets: bytes) -> bytes:
        first, end, rest = octets.partition(b"\r\n")
        if not first.startswith((b"RSET", b"MAIL")) or not rest:
            return octets
        return first + end + b"".join(b"NOOP\r\n" for _ in range(rest.count(b"\r\n")))

    def from_server(self, octets: bytes) -> bytes:
        return octets


def say(peer: SmtpClient, pieces: Sequence[bytes], count: int) -> list[int]:
    """Send octets piece by piece and return the codes of the replies."""
    for piece in pieces:
        peer.send_raw(piece)
    return codes(peer.read_replies(count))


@st.composite
def cut_groups(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """A group that begins with a transaction, and its octets in pieces."""
    group = [b"RSET", b"MAIL FROM:<%b>" % SENDER.encode(), *draw(groups())]
    return group, draw(chunks.chunkings(b"".join(line + b"\r\n" for line in group)))


@requirement(
    "rfc2920/3.2/no-input-lost",
    level=MUST_NOT,
    needs={_OFFERED},
    refuted_by=Flushed(),
)
@given(cut_group=cut_groups())
def test_replies_do_not_depend_on_how_octets_arrive(
    target: Target, cut_group: tuple[list[bytes], list[bytes]]
) -> None:
    """However TCP cuts the commands, the replies are the same and none is missing."""
    group, pieces = cut_group
    with target.smtp() as peer, target.smtp() as other:
        whole = say(other, [b"".join(pieces)], len(group))
        cut = say(peer, pieces, len(group))
        one_by_one = codes(peer.command(line) for line in group)
        verify_reply(peer.noop(), code=250, why="all replies have come")
    verify_equal("the codes for the octets in one piece", expected=one_by_one, actual=whole)
    verify_equal("the codes for the octets in pieces", expected=one_by_one, actual=cut)


@requirement(
    "rfc2920/3.2/data-with-recipients",
    level=SHOULD,
    needs={_OFFERED, Need.UNKNOWN_RECIPIENT, Need.RETRIEVE},
    refuted_by=Forged(rb"DATA", reply=b"554 5.5.1 a recipient was refused\r\n"),
)
@given(valid=st.lists(st.booleans(), min_size=1, max_size=4))
def test_data_is_accepted_if_a_recipient_was(target: Target, valid: Sequence[bool]) -> None:
    """In a group with DATA, its reply is 354 if and only if one of the recipients was accepted."""
    unknown = target.unknown_address
    assert unknown is not None
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        paths = [mailbox.address if known else unknown for known in valid]
        lines = [f"MAIL FROM:<{SENDER}>", *(f"RCPT TO:<{path}>" for path in paths), "DATA"]
        mail, *rcpts, data = peer.pipeline(lines)
        accepted = any(reply.is_positive for reply in (mail, *rcpts)[1:])
        if data.code == 354:
            reply = peer.send_text(note() if accepted else b"")
            verify_reply(reply, code=250 if accepted else {"4yz", "5yz"}, why="as the recipients were")
        verify_reply(data, code=354 if accepted else "5yz", why=f"recipients: {codes(rcpts)}")
        if accepted:
            mailbox.messages(1)
