from hypothesis import strategies as st

from harness.conformance import MUST, MUST_NOT, SHOULD, given, inconclusive, requirement, verify, verify_equal
from harness.peers.behaviour import Behaviour, Stage, drop, no_ehlo, refuse
from harness.peers.next_hop import NextHop
from harness.targets import Target
from harness.transport.tamper import Fault
from suites.relay.steps import RELAYING, Sender, mails_for, submitting

_PUT_OFF = [
    refuse(Stage.CONNECT, 421, "4.3.2 not now", times=1),
    refuse(Stage.MAIL, 451, "4.3.0 not now", times=1),
    refuse(Stage.RCPT, 450, "4.2.0 greylisted", times=1),
    refuse(Stage.RCPT, 451, "4.7.1 greylisted", times=2),
    refuse(Stage.DATA, 451, "4.3.0 not now", times=1),
    refuse(Stage.TEXT, 452, "4.3.1 disk full", times=1),
]


@requirement(
    "rfc5321/4.5.4.1/queued-and-retried",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-no-retry-after-4yz"),
)
@given(trouble=st.sampled_from(_PUT_OFF))
def test_mail_that_is_put_off_is_sent_again(target: Target, trouble: Behaviour) -> None:
    """What the next hop refuses with 4yz, at any stage, is tried again and delivered once."""
    with submitting(target) as sender, sender.outbound.next_hop(0, trouble) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}")
        sender.demand_arrival([hop], domain, "its next hop accepts it at the next attempt", retried=True)
        _fence(sender, hop)
        verify_equal("messages at the next hop", expected=1, actual=len(mails_for(hop, domain)))


@requirement(
    "rfc5321/4.5.4.1/retried-after-lost-reply",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-lost-reply-is-final"),
    also=["rfc5321/6.1/mail-not-lost"],
)
@given(
    trouble=st.sampled_from([drop(Stage.TEXT, times=1), drop(Stage.DATA, times=1), drop(Stage.RCPT, times=1)])
)
def test_mail_is_sent_again_after_a_lost_reply(target: Target, trouble: Behaviour) -> None:
    """Where the connection ends before the reply, to the final dot above all, the message is sent again."""
    with submitting(target) as sender, sender.outbound.next_hop(0, trouble) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}")
        sender.demand_arrival([hop], domain, "nobody has taken the responsibility for it", retried=True)
        _fence(sender, hop)
        verify_equal("messages that were acknowledged", expected=1, actual=len(mails_for(hop, domain)))


@requirement(
    "rfc5321/3.2/fall-back-to-helo",
    level=SHOULD,
    needs=RELAYING,
    refuted_by=Fault("relay-no-helo"),
    also=("rfc5321/2.2.1/helo-as-a-fallback",),
)
@given(code=st.sampled_from([500, 502]))
def test_helo_follows_a_refused_ehlo(target: Target, code: int) -> None:
    """A next hop that does not recognise EHLO gets HELO, and the message."""
    trouble = no_ehlo() if code == 502 else refuse(Stage.EHLO, 500, "5.5.2 command not recognized")
    with submitting(target) as sender, sender.outbound.next_hop(0, trouble) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.send(f"user@{domain}")
        _, mail = sender.demand_arrival([hop], domain, "its next hop knows HELO")
        verify(not mail.esmtp, expected="a session that began with HELO", actual=mail)


@requirement(
    "rfc5321/4.5.4.1/one-copy-for-many",
    level=SHOULD,
    needs=RELAYING,
    refuted_by=Fault("relay-recipients-apart"),
)
@given(count=st.integers(2, 20))
def test_recipients_of_a_domain_share_a_copy(target: Target, count: int) -> None:
    """One transaction brings a message to all its recipients at one domain, each of them named once."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        recipients = [f"user{number}@{domain}" for number in range(count)]
        sender.send(*recipients)
        sender.demand_arrival([hop], domain, "its next hop accepts every recipient")
        sender.await_(lambda: _reached(hop, domain) >= count, sender.patience_s, hop)
        copies = mails_for(hop, domain)
        if len({to for mail in copies for to in mail.rcpt_tos}) < count:
            inconclusive(f"not every recipient is reached within {sender.patience_s:g} s")
        verify_equal(
            "the recipients of each copy",
            expected=[sorted(recipients)],
            actual=[sorted(mail.rcpt_tos) for mail in copies],
        )


@requirement(
    "rfc5321/6.1/mail-not-lost",
    level=MUST_NOT,
    needs=RELAYING,
    refuted_by=Fault("relay-partial-refusal-fails-all"),
)
@given(counts=st.lists(st.integers(1, 3), min_size=1, max_size=3), refused=st.booleans())
def test_every_recipient_gets_one_copy(target: Target, counts: list[int], refused: bool) -> None:
    """Each recipient of a message, at several domains, is named once, whatever became of another one."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domains = [sender.outbound.domain() for _ in counts]
        wanted = []
        for domain, count in zip(domains, counts, strict=True):
            sender.outbound.route(domain, 0)
            wanted += [f"user{number}@{domain}" for number in range(count)]
        nobody = f"nobody@{domains[0]}"
        if refused:
            hop.behaviour = refuse(Stage.RCPT, 550, "5.1.1 no such user", only={nobody})
        sender.send(*wanted, *([nobody] if refused else []))
        for domain in domains:
            sender.demand_arrival([hop], domain, "it has recipients whom the next hop accepts")
        sender.await_(
            lambda: sum(_reached(hop, domain) for domain in domains) >= len(wanted), sender.patience_s, hop
        )
        _fence(sender, hop)
        reached = sorted(to for domain in domains for mail in mails_for(hop, domain) for to in mail.rcpt_tos)
        verify_equal("the recipients at the next hop", expected=sorted(wanted), actual=reached)


def _reached(hop: NextHop, domain: str) -> int:
    """How many recipients of a domain were named with a message that was accepted."""
    return sum(len(mail.rcpt_tos) for mail in mails_for(hop, domain))


def _fence(sender: Sender, hop: NextHop) -> None:
    """Relay another message to the same hop: a second copy of the first would be there by then, as a rule."""
    domain = sender.outbound.domain()
    sender.outbound.dns.set(domain, "MX", f"10 mx0.{domain}.")
    sender.outbound.dns.set(f"mx0.{domain}", "A", hop.host)
    sender.send(f"fence@{domain}")
    sender.demand_arrival([hop], domain, "its next hop accepts it")
