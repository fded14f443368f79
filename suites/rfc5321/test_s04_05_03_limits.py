from collections.abc import Sequence

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from harness.vocabulary.smtp import (
    MAX_COMMAND_LINE_OCTETS,
    MAX_PATH_OCTETS,
    MIN_MESSAGE_OCTETS,
    MIN_RECIPIENTS,
    Keyword,
)
from suites.rfc5321.steps import begin, finish, note, send
from suites.rfc5321.tampering import Forged

_LENGTHS = (78, 79, 509, 510, 511, 512, 513, 990, 996, 997, 998)


@requirement(
    "rfc5321/4.5.3.1.1/local-part",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<[^@>]{60}", reply=b"501 5.1.7 local part too long\r\n"),
)
@given(local_part=addresses.longest_local_parts())
def test_local_parts_of_64_octets_are_taken(target: Target, local_part: str) -> None:
    """A reverse-path with a local part of 64 octets opens a transaction."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        reply = peer.mail(f"{local_part}@client.mailproof.test")
        verify_reply(reply, code=250, why="local parts may have 64 octets")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why="local parts may have 64 octets")


@requirement(
    "rfc5321/4.5.3.1.3/path",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<[^>]{200}", reply=b"501 5.1.7 path too long\r\n"),
)
@given(local_part=addresses.longest_local_parts(), label=st.integers(20, 63))
def test_paths_of_256_octets_are_taken(target: Target, local_part: str, label: int) -> None:
    """A reverse-path of 256 octets, its brackets counted, opens a transaction."""
    octets = MAX_PATH_OCTETS - len(f"<{local_part}@>")
    domain = ".".join(["d" * label] * (octets // (label + 1) + 1))[: octets - len(".test")]
    domain = domain[:-1] + "d.test" if domain.endswith(".") else domain + ".test"
    path = f"{local_part}@{domain}"
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.mail(path), code=250, why="a path may have 256 octets")
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why="a path may have 256 octets")


@requirement(
    "rfc5321/4.5.3.1.4/command-line",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Forged(rb"NOOP .{300}", reply=b"500 5.5.2 line too long\r\n"),
    also=("rfc5321/4.3.2/command-too-long",),
)
@given(octets=st.integers(400, MAX_COMMAND_LINE_OCTETS) | st.just(MAX_COMMAND_LINE_OCTETS))
def test_command_lines_of_512_octets_are_taken(target: Target, octets: int) -> None:
    """A command line of up to 512 octets is not too long."""
    with target.smtp() as peer:
        line = b"NOOP ".ljust(octets - 2, b"x")
        # An argument of NOOP SHOULD be ignored (§4.1.1.9), and that is judged elsewhere.
        verify_reply(peer.command(line), code={250, 501, 504}, why=f"a line of {octets} octets is legal")
        verify_reply(peer.noop(), code=250)


@requirement(
    "rfc5321/4.5.3.1.6/text-line-1000",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^([^\r\n]{900})(?=[^\r\n])", rb"\1\r\n "),
)
@given(
    lengths=st.lists(st.sampled_from(_LENGTHS), min_size=1, max_size=3), first=st.sampled_from([b".", b"x"])
)
def test_text_lines_of_1000_octets_survive(target: Target, lengths: Sequence[int], first: bytes) -> None:
    """Lines of up to 1000 octets with their CRLF arrive whole, not counting a dot for transparency."""
    longest = first + b"y" * 996 + b"z\r\n"
    text = b"".join(first + b"y" * (length - 2) + b"z\r\n" for length in lengths) + longest
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)


@requirement(
    "rfc5321/4.5.3.1.7/message-64k",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"z{30,}\r\n\.\r\n\Z", b".\r\n"),
)
def test_messages_of_64k_are_taken(target: Target) -> None:
    """A message of 65,536 octets is accepted, and arrives whole."""
    head = note(b"")
    lines, rest = divmod(MIN_MESSAGE_OCTETS - len(head) - 64, 80)
    message = head + (b"x" * 78 + b"\r\n") * lines + (b"z" * (62 + rest) + b"\r\n")
    assert len(message) == MIN_MESSAGE_OCTETS
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, message)
        stored = mailbox.only_message().octets
        verify_equal("the end of the stored message", expected=message, actual=stored[-len(message) :])


@requirement(
    "rfc5321/4.5.3.1.8/hundred-recipients",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-rcpt-limit-50"),
)
def test_a_hundred_recipients_are_taken(target: Target) -> None:
    """A message may have 100 recipients, all of which are accepted, and so is the message."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer)
        lines = [f"RCPT TO:<{mailbox.address}>"] * MIN_RECIPIENTS
        if Keyword.PIPELINING in peer.keywords:
            replies = peer.pipeline(lines)
        else:
            replies = [peer.command(line) for line in lines]
        for number, reply in enumerate(replies, 1):
            verify(reply.code in {250, 251}, expected=f"recipient {number} accepted", actual=reply.octets)
        finish(peer, note(), "100 recipients are not too many")
        # One copy for all of them or one for each: this mailbox is all of them.
        mailbox.messages(1)
