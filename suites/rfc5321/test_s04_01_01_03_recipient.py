from collections.abc import Sequence

from hypothesis import strategies as st

from harness.conformance import MUST, SHOULD, Need, given, requirement, verify, verify_reply
from harness.strategies import addresses
from harness.targets import Target
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, finish, note
from suites.rfc5321.tampering import Forged

_SYNTAX = {500, 501, 502, 503, 504, 555}


def routes() -> st.SearchStrategy[Sequence[str]]:
    """The hosts of a source route."""
    return st.lists(addresses.domains(), min_size=1, max_size=3)


def routed(hosts: Sequence[str], address: str) -> str:
    """`@one,@two:address` (RFC 5321 §4.1.2: A-d-l)."""
    return ",".join(f"@{host}" for host in hosts) + f":{address}"


@requirement(
    "rfc5321/4.1.1.3/source-route-recognised",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"RCPT TO:<@", reply=b"501 5.1.3 malformed path\r\n"),
)
@given(hosts=routes())
def test_source_routes_are_recognised(target: Target, hosts: Sequence[str]) -> None:
    """A source route is followed, ignored or refused by policy, but it is no syntax error."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer)
        reply = peer.rcpt(routed(hosts, mailbox.address))
        verify(
            reply.code not in _SYNTAX,
            expected="a source route recognised: 250, or a refusal for reasons of policy, as 550",
            actual=reply.octets,
        )


@requirement(
    "rfc5321/4.1.1.3/source-route-ignored",
    level=SHOULD,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"RCPT TO:<@", reply=b"550 5.7.1 no source routes here\r\n"),
)
@given(hosts=routes())
def test_source_routes_are_ignored(target: Target, hosts: Sequence[str]) -> None:
    """Mail to one of ours goes there, whatever way the route describes."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer)
        verify_reply(
            peer.rcpt(routed(hosts, mailbox.address)), code={250, 251}, why="the route is to be stripped"
        )
        finish(peer, note())
        mailbox.only_message()
