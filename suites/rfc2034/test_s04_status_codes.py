from hypothesis import strategies as st

from harness.conformance import PROSE, Offers, given, requirement, verify, verify_equal
from harness.strategies import commands
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import Reply
from suites.rfc5321.steps import SENDER

_OFFERED = Offers(Service.SMTP, "ENHANCEDSTATUSCODES")


def lines() -> st.SearchStrategy[bytes]:
    """Commands with replies of every class, but for EHLO and HELO, whose replies have no such code."""
    known = [b"NOOP", b"RSET", b"VRFY postmaster", b"MAIL FROM:<%b>" % SENDER.encode(), b"MAIL FROM:<>"]
    known += [b"RCPT TO:<Postmaster>", b"RCPT TO:<somebody@elsewhere.mailproof.test>", b"RCPT TO:<>", b"MAIL"]
    known += [b"EXPN postmaster", b"RSET now", b"MAIL FROM:<> XMAILPROOF=1", b"DATA now"]
    return st.sampled_from(known) | commands.unknown_verbs()


def session(target: Target, said: list[bytes]) -> list[Reply]:
    """Say these lines within an open transaction and return the replies, that of QUIT last."""
    with target.smtp() as peer:
        return [peer.mail(SENDER), *(peer.command(line) for line in said), peer.quit()]


@requirement(
    "rfc2034/4/code-in-every-reply",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=Rewrite.from_server(rb"^503 \d\.\d\.\d ", b"503 "),
    also=("rfc2034/3/code-in-every-reply",),
)
@given(said=st.lists(lines(), min_size=1, max_size=4).map(lambda said: [*said, b"MAIL FROM:<>"]))
def test_replies_have_a_status_code(target: Target, said: list[bytes]) -> None:
    """The text of every 2yz, 4yz and 5yz reply begins with an enhanced status code."""
    for reply in session(target, said):
        verify(
            None not in reply.enhanced_codes,
            expected="an enhanced status code at the beginning of each line",
            actual=reply.octets,
        )


@requirement(
    "rfc2034/4/class-agrees",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=Rewrite.from_server(rb"^(5\d\d )5\.(\d\.\d) ", rb"\g<1>4.\2 "),
)
@given(said=st.lists(lines(), min_size=1, max_size=4).map(lambda said: [*said, b"RCPT TO:<>"]))
def test_the_class_of_the_status_code_agrees(target: Target, said: list[bytes]) -> None:
    """The first digit of the enhanced status code is that of the reply code."""
    for reply in session(target, said):
        for code in reply.enhanced_codes:
            verify(
                code is None or code.class_ == reply.code // 100,
                expected=f"an enhanced status code of class {reply.code // 100}",
                actual=reply.octets,
            )


@requirement(
    "rfc2034/4/same-in-every-line",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=Rewrite.from_server(rb"^214 2\.0\.0", b"214 2.0.1"),
)
@given(said=st.lists(lines(), max_size=2).map(lambda said: [*said, b"HELP"]))
def test_the_lines_of_a_reply_have_one_status_code(target: Target, said: list[bytes]) -> None:
    """A reply of several lines has the same enhanced status code in each."""
    for reply in session(target, said):
        first, *others = map(str, reply.enhanced_codes)
        verify_equal("the enhanced status codes of a reply", expected=[first] * len(others), actual=others)
