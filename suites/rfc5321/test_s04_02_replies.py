from collections.abc import Sequence

from hypothesis import strategies as st

from harness.conformance import MUST, PROSE, SHOULD, given, requirement, verify, verify_equal, verify_reply
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER
from suites.rfc5321.tampering import Forged
from suites.rfc5321.test_s04_01_01_01_hello import names_a_host


def lines() -> st.SearchStrategy[bytes]:
    """Commands, and what is none."""
    known = [b"NOOP", b"RSET", b"HELP", b"VRFY postmaster", b"EXPN postmaster", b"EHLO client.mailproof.test"]
    known += [b"MAIL FROM:<>", b"MAIL FROM:<%b>" % SENDER.encode(), b"RCPT TO:<>", b"HELO", b"MAIL"]
    return st.sampled_from(known) | commands.unknown_verbs()


@requirement(
    "rfc5321/4.2/greeting",
    level=PROSE,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^220 ", b"220 <welcome> "),
)
def test_the_greeting_names_the_server(target: Target) -> None:
    """The 220 that opens the session is followed by the server's domain or address."""
    with target.smtp(hello=False) as peer:
        reply = peer.greeting()
        verify_reply(reply, code=220)
        verify(
            names_a_host(reply.lines[0].partition(b" ")[0]),
            expected="220, then the server's domain or address literal",
            actual=reply.octets,
        )


@requirement(
    "rfc5321/4.2/reply-line-form",
    level=PROSE,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^(250 [^\r\n]*)\r\n", rb"\1\n"),
)
@given(line=lines())
def test_replies_have_the_form_of_replies(target: Target, line: bytes) -> None:
    """Whatever is said, the answer is a reply as the grammar has it; the reader judges that."""
    with target.smtp() as peer:
        peer.command(line)
        peer.noop()


@requirement(
    "rfc5321/4.2/one-reply-per-command",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^(250 2\.0\.0 OK\r\n)", rb"\1\1"),
)
@given(said=st.lists(lines(), min_size=1, max_size=4).map(lambda said: [*said, b"NOOP"]))
def test_every_command_has_one_reply(target: Target, said: Sequence[bytes]) -> None:
    """Each command is answered once: the 221 of QUIT is the next and the last."""
    with target.smtp() as peer:
        for line in said:
            peer.command(line)
        verify_reply(peer.quit(), code=221, why="every command before QUIT has had its one reply")
        verify_equal("replies after 221", expected=[], actual=peer.expect_closed())


@requirement(
    "rfc5321/4.2.1/same-code-in-every-line",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Fault("smtp-multiline-codes"),
)
def test_the_lines_of_a_reply_have_one_code(target: Target) -> None:
    """EHLO and HELP are answered in several lines with the same code; the reader judges that."""
    with target.smtp(hello=False) as peer:
        verify_reply(peer.ehlo(), code=250)
        peer.command("HELP")
        peer.noop()


@requirement(
    "rfc5321/4.2.4/unrecognised-command",
    level=SHOULD,
    needs={Service.SMTP},
    refuted_by=Forged(rb"Q[A-Z]+Q", reply=b"502 5.5.1 not implemented\r\n"),
    also=("rfc5321/4.1.5/unknown-private-command",),
)
@given(verb=commands.unknown_verbs(), argument=st.none() | commands.arguments())
def test_unrecognised_commands_are_answered_500(target: Target, verb: bytes, argument: bytes | None) -> None:
    """A word that is no command is answered 500; 502 is for those known but not implemented."""
    with target.smtp() as peer:
        line = verb if argument is None else verb + b" " + argument
        verify_reply(peer.command(line), code=500)


@requirement(
    "rfc5321/4.3.1/unknown-refused",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Forged(rb"Q[A-Z]+Q", reply=b"250 2.0.0 OK\r\n"),
)
@given(verb=commands.unknown_verbs())
def test_unknown_commands_are_refused(target: Target, verb: bytes) -> None:
    """The class of the reply keeps its meaning: what cannot be done is answered 5yz."""
    with target.smtp() as peer:
        verify_reply(peer.command(verb), code="5yz")
