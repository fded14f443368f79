from collections.abc import Sequence

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import (
    PROSE,
    SHOULD,
    Need,
    given,
    requirement,
    verify,
    verify_reply,
)
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, note
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/4.1.1.6/no-buffer-touched",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"(VRFY|EXPN|HELP)", instead=b"RSET", reply=b"252 2.0.0 try it\r\n"),
    also=("rfc5321/4.1.1.7/no-buffer-touched", "rfc5321/4.1.1.8/no-buffer-touched"),
)
@given(asides=st.tuples(*[st.sampled_from(["VRFY postmaster", "EXPN postmaster", "HELP", "HELP MAIL"])] * 2))
def test_questions_leave_the_transaction_alone(target: Target, asides: Sequence[str]) -> None:
    """VRFY, EXPN and HELP may come within a transaction, which goes on as if they had not."""
    after_mail, after_rcpt = asides
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.mail(SENDER), code=250)
        peer.command(after_mail)
        verify_reply(peer.rcpt(mailbox.address), code={250, 251}, why=f"MAIL, {after_mail}, RCPT")
        peer.command(after_rcpt)
        verify_reply(peer.data(), code=354, why=f"RCPT, {after_rcpt}, DATA")
        verify_reply(peer.send_text(note()), code=250)
        mailbox.only_message()


@requirement(
    "rfc5321/4.1.1.8/help-supported",
    level=SHOULD,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^214[ -][^\r\n]*\r\n(214 [^\r\n]*\r\n)?", b"502 5.5.1 no\r\n"),
)
def test_help_is_supported(target: Target) -> None:
    """HELP without an argument is answered 214 or 211."""
    with target.smtp() as peer:
        verify_reply(peer.command("HELP"), code={211, 214})


@requirement(
    "rfc5321/4.1.1.9/noop-ok",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"NOOP", instead=b"RSET"),
)
@given(times=st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 2)))
def test_noop_does_nothing(target: Target, times: tuple[int, int, int]) -> None:
    """NOOP is answered 250 between any two commands of a transaction, and changes none of it."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        steps = (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{mailbox.address}>", "DATA")
        for line, count in zip(steps, times, strict=True):
            for _ in range(count):
                verify_reply(peer.noop(), code=250)
            why = f"NOOP before {line[:4]} changes nothing"
            verify_reply(peer.command(line), code=354 if line == "DATA" else {250, 251}, why=why)
        verify_reply(peer.send_text(note()), code=250)
        mailbox.only_message()


@requirement(
    "rfc5321/4.1.1.9/noop-argument-ignored",
    level=SHOULD,
    needs={Service.SMTP},
    refuted_by=Fault("smtp-noop-arg"),
)
@given(argument=st.sampled_from([b"argument", b"two words"]) | commands.arguments())
def test_noop_ignores_an_argument(target: Target, argument: bytes) -> None:
    """NOOP is answered 250 also with a string behind it."""
    with target.smtp() as peer:
        verify_reply(peer.command(b"NOOP " + argument), code=250, why="the string is to be ignored")


@requirement(
    "rfc5321/4.1.1/trailing-white-space",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"[^\r\n]*[ \t]\r\n", reply=b"501 5.5.4 no spaces\r\n"),
)
@given(blank=commands.trailing_spaces())
def test_trailing_white_space_is_tolerated(target: Target, blank: bytes) -> None:
    """White space before the CRLF of a command changes nothing."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        for line, code in (
            (b"NOOP", 250),
            (b"RSET", 250),
            (b"MAIL FROM:<%b>" % SENDER.encode(), 250),
            (b"RCPT TO:<%b>" % mailbox.address.encode(), 250),
            (b"DATA", 354),
        ):
            verify_reply(peer.command(line + blank), code=code, why="trailing white space is tolerated")
        verify_reply(peer.send_text(note()), code=250)


@requirement(
    "rfc5321/4.1.1/no-parameters",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^(RSET|QUIT|DATA) [^\r\n]*", rb"\1"),
)
@given(verb=st.sampled_from(["RSET", "DATA", "QUIT"]), argument=commands.arguments())
@example(verb="QUIT", argument=b"0")
def test_commands_without_parameters_refuse_them(target: Target, verb: str, argument: bytes) -> None:
    """RSET, DATA and QUIT with a parameter are refused as wrong syntax."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        verify_reply(peer.mail(SENDER), code=250)
        verify_reply(peer.rcpt(mailbox.address), code={250, 251})
        reply = peer.command(verb.encode() + b" " + argument)
        verify(reply.code in {500, 501, 504}, expected="501, as for wrong syntax", actual=reply.octets)
