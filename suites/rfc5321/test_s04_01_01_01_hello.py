import re

from harness.conformance import MUST, PROSE, Need, given, requirement, verify, verify_reply
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.smtp import Reply, parse_ehlo
from suites.rfc5321.steps import begin, finish, note
from suites.rfc5321.tampering import Forged

_DOMAIN = re.compile(rb"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_LITERAL = re.compile(rb"\[[!-Z^-~]+\]")
_KEYWORDS = frozenset(
    (
        b"8BITMIME ATRN AUTH BINARYMIME BURL CHECKPOINT CHUNKING CONNEG CONPERM DELIVERBY DSN "
        b"ENHANCEDSTATUSCODES ETRN EXPN FUTURERELEASE HELP LIMITS MT-PRIORITY MTRK NO-SOLICITING ONEX "
        b"PIPELINING REQUIRETLS RRVS SAML SEND SIZE SMTPUTF8 SOML STARTTLS SUBMITTER TURN VERB VRFY "
        b"XCLIENT XFORWARD"
    ).split()
)
"""What IANA's registry of service extensions has, and two more: most are domains by their syntax as well."""


def names_a_host(word: bytes) -> bool:
    """Whether `word` is a Domain or an address literal (RFC 5321 §4.1.2, §4.1.3)."""
    return bool(_DOMAIN.fullmatch(word) or _LITERAL.fullmatch(word))


def is_keyword(word: bytes, greeting: Reply) -> bool:
    """Whether `word` is an extension's keyword, and not the name that the server greets by."""
    greeted = greeting.lines[0].partition(b" ")[0]
    return word.upper() in _KEYWORDS and word.upper() != greeted.upper()


@requirement(
    "rfc5321/4.1.1.1/ehlo-without-extensions",
    level=PROSE,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^250([- ])8BITMIME", rb"250\g<1>_8BIT_MIME"),
)
@given(name=addresses.domains())
def test_ehlo_lists_keywords(target: Target, name: str) -> None:
    """EHLO is answered by 250 with the server's domain, then one well-formed keyword per line."""
    with target.smtp(hello=False) as peer:
        reply = peer.ehlo(name)
        verify_reply(reply, code=250)
        response = parse_ehlo(reply)
        verify(
            names_a_host(response.domain) and not is_keyword(response.domain, peer.greeting()),
            expected="the server's domain first in the response to EHLO",
            actual=reply.octets,
        )
        verify(
            not response.malformed,
            expected="a keyword, and its parameters after single spaces, on each further line",
            actual=response.malformed,
        )


@requirement(
    "rfc5321/4.1.1.1/helo-supported",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"HELO", reply=b"502 5.5.1 not implemented\r\n"),
)
@given(name=addresses.domains())
def test_helo_is_supported(target: Target, name: str) -> None:
    """An old client says HELO, and its mail is taken."""
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        verify_reply(peer.helo(name), code=250)
        begin(peer, mailbox.address)
        finish(peer, note(), "after HELO")
        mailbox.only_message()


@requirement(
    "rfc5321/4.1.1.1/what-works-is-announced",
    level=MUST,
    needs={Service.SMTP},
    refuted_by=Rewrite.from_server(rb"^250([- ])HELP\r\n", rb"250\1XNOTHING\r\n"),
    also=("rfc5321/3.5.2/expn-announced",),
)
def test_optional_commands_that_work_are_announced(target: Target) -> None:
    """A command that not every server has, and this one has, is among its keywords."""
    with target.smtp() as peer:
        for verb, argument in (("HELP", ""), ("EXPN", " postmaster"), ("ETRN", f" {target.domain}")):
            reply = peer.command(verb + argument)
            verify(
                reply.code // 100 != 2 or verb in peer.keywords,
                expected=f"{verb} among the keywords of EHLO, since the server carries it out",
                actual=f"{reply}; keywords: {', '.join(peer.keywords)}",
            )
