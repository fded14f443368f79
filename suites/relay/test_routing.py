from contextlib import ExitStack
from enum import StrEnum
from itertools import pairwise

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    Finding,
    given,
    inconclusive,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.peers.behaviour import ACCEPT, Stage, drop, refuse
from harness.targets import Outbound, Target
from harness.transport.tamper import Fault
from suites.relay.steps import (
    RELAYING,
    RETRY_PATIENCE_S,
    TOLD,
    Sender,
    is_refused_for_good,
    mails_for,
    submitting,
)

_MANY = 40
_BUSY = refuse(Stage.CONNECT, 421, "4.3.2 not now")


@requirement(
    "rfc5321/5.1/mx-preference",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-mx-order-reversed"),
)
@given(preferences=st.lists(st.integers(0, 65535), min_size=2, max_size=4, unique=True))
def test_the_lowest_preference_is_tried_first(target: Target, preferences: list[int]) -> None:
    """Of hosts that all work, the one whose MX record has the lowest number gets the message."""
    with submitting(target) as sender, ExitStack() as stack:
        domain = sender.outbound.domain()
        hops = [stack.enter_context(sender.outbound.next_hop(number)) for number in range(len(preferences))]
        _set_mx(sender, domain, preferences)
        sender.send(f"user@{domain}")
        number, _ = sender.demand_arrival(hops, domain, "every host accepts it")
        verify_equal("the preference of the host", expected=min(preferences), actual=preferences[number])


@requirement(
    "rfc5321/5.1/equal-preference-spread",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-equal-mx-in-order"),
)
def test_equal_preferences_share_the_load(target: Target) -> None:
    """Of forty messages to forty domains, each with the same two hosts, neither host gets all.

    A server that throws a fair coin fails this once in 2**39 runs, one that prefers a host at 60 to 40 about
    once in 7 * 10**8.
    """
    with submitting(target) as sender, ExitStack() as stack:
        hops = [stack.enter_context(sender.outbound.next_hop(number)) for number in (0, 1)]
        domains = [sender.outbound.domain() for _ in range(_MANY)]
        for domain in domains:
            _set_mx(sender, domain, [10, 10])
            sender.send(f"user@{domain}")
        shares = [0, 0]
        for domain in domains:
            number, _ = sender.demand_arrival(hops, domain, "both hosts accept it")
            shares[number] += 1
        verify(
            all(shares),
            expected=f"both hosts of equal preference used for {_MANY} domains",
            actual=f"{shares[0]} to the first and {shares[1]} to the second",
        )


class Trouble(StrEnum):
    """What is wrong with the way that is tried first."""

    BUSY = "the first host says 421"
    DROPS = "the first host closes the connection without a greeting"
    DOWN = "nobody listens at the first host"
    NO_ADDRESS = "the first host has no address"
    NO_NAME = "the first host does not exist"
    FIRST_ADDRESS = "nobody listens at one of the host's two addresses"


_TROUBLED = {Trouble.BUSY: _BUSY, Trouble.DROPS: drop(Stage.CONNECT)}


@requirement(
    "rfc5321/5.1/next-host-tried",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-first-host-only"),
)
@given(trouble=st.sampled_from(Trouble))
def test_the_next_host_is_tried(target: Target, trouble: Trouble) -> None:
    """While one host or address fails, the message goes to the next one."""
    with submitting(target) as sender, ExitStack() as stack:
        domain = sender.outbound.domain()
        second = stack.enter_context(sender.outbound.next_hop(1))
        first = None
        if trouble in _TROUBLED:
            first = stack.enter_context(sender.outbound.next_hop(0, _TROUBLED[trouble]))
        _set_up(sender.outbound, domain, trouble)
        sender.send(f"user@{domain}")

        def settled() -> bool:
            # Who has come back to the first host twice has not forgotten the message, only the second host.
            given_up = first is not None and first.connections > 2
            return bool(mails_for(second, domain)) or given_up

        sender.await_(settled, sender.patience_s, second)
        if first is not None and not mails_for(second, domain) and not second.connections:
            verify(
                first.connections <= 2,
                expected=f"the second host tried when {trouble}",
                actual=f"{first.connections} connections to the first host, none to the second",
            )
        sender.demand_arrival([second], domain, f"it is the next one, and {trouble}")


def _set_up(outbound: Outbound, domain: str, trouble: Trouble) -> None:
    """Write the records: two hosts, or one with two addresses, of which next hop 1 works."""
    dns = outbound.dns
    outbound.route(domain, 0, 1)
    match trouble:
        case Trouble.NO_ADDRESS:
            dns.remove(f"mx0.{domain}", "A")
            dns.set(f"mx0.{domain}", "TXT", "none")
        case Trouble.NO_NAME:
            dns.remove(f"mx0.{domain}")
        case Trouble.FIRST_ADDRESS:
            dns.set(domain, "MX", f"10 mx0.{domain}.")
            dns.set(f"mx0.{domain}", "A", outbound.next_hop_host(0), outbound.next_hop_host(1))
        case Trouble.BUSY | Trouble.DROPS | Trouble.DOWN:
            pass


@requirement(
    "rfc5321/5.1/no-address-beside-mx",
    level=MUST_NOT,
    needs=RELAYING,
    refuted_by=Fault("relay-address-beside-mx"),
)
@given(failures=st.integers(0, 1))
def test_addresses_beside_mx_records_are_not_used(target: Target, failures: int) -> None:
    """A domain's own address is no way to it where there is an MX record, even if that host fails."""
    busy = refuse(Stage.CONNECT, 421, "4.3.2 not now", times=failures) if failures else ACCEPT
    with (
        submitting(target) as sender,
        sender.outbound.next_hop(0, busy) as right,
        sender.outbound.next_hop(1) as wrong,
    ):
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        sender.outbound.dns.set(domain, "A", sender.outbound.next_hop_host(1))
        sender.send(f"user@{domain}")
        sender.await_(lambda: mails_for(right, domain) or wrong.connections, RETRY_PATIENCE_S, right)
        verify_equal("connections to the domain's own address", expected=0, actual=wrong.connections)
        sender.demand_arrival([right], domain, "its host is named by an MX record", retried=failures > 0)


@requirement(
    "rfc5321/5.1/implicit-mx",
    level=PROSE,
    needs=RELAYING,
    refuted_by=Fault("relay-no-implicit-mx"),
)
@given(hosts=st.integers(1, 2))
def test_a_domain_without_mx_is_its_own_host(target: Target, hosts: int) -> None:
    """Without any MX record the message goes to an address of the domain itself."""
    with submitting(target) as sender, ExitStack() as stack:
        domain = sender.outbound.domain()
        hops = [stack.enter_context(sender.outbound.next_hop(number)) for number in range(hosts)]
        sender.outbound.dns.set(domain, "A", *(hop.host for hop in hops))
        sender.send(f"user@{domain}")
        sender.demand_arrival(hops, domain, "the domain has an address and no MX record")


@requirement(
    "rfc5321/5.1/cname-followed",
    level=PROSE,
    needs=RELAYING,
    refuted_by=Fault("relay-cname-ignored"),
)
@given(links=st.integers(1, 2), by_mx=st.booleans())
def test_aliases_of_domains_are_followed(target: Target, links: int, by_mx: bool) -> None:
    """A domain that is an alias is treated as the name that it stands for."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        names = [sender.outbound.domain() for _ in range(links + 1)]
        for alias, name in pairwise(names):
            sender.outbound.dns.set(alias, "CNAME", f"{name}.")
        if by_mx:
            sender.outbound.route(names[-1], 0)
        else:
            sender.outbound.dns.set(names[-1], "A", hop.host)
        sender.send(f"user@{names[0]}")

        # Some servers write the canonical name into the envelope, as older standards asked for.
        def arrived() -> bool:
            return any(mails_for(hop, name) for name in names)

        sender.await_(lambda: arrived() or sender.notifications(*names), sender.patience_s, hop)
        if not arrived():
            sender.demand_arrival([hop], names[0], "the domain is an alias of one with a next hop")


@requirement(
    "rfc5321/5.1/temporary-dns-error",
    level=MUST,
    needs=RELAYING,
    refuted_by=Fault("relay-servfail-is-final"),
)
def test_a_temporary_error_of_the_dns_is_waited_out(target: Target) -> None:
    """Mail for a domain whose look-up fails with SERVFAIL is kept, and sent when the look-up succeeds."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        dns = sender.outbound.dns
        sender.outbound.route(domain, 0)
        dns.servfail(domain)
        reply = sender.hand_in(f"user@{domain}")
        if reply.code // 100 == 4:
            inconclusive(f"the server asks the DNS before it accepts a recipient: {reply}")
        verify_reply(reply, code="2yz", why="the error of the DNS is temporary")
        if not sender.await_(lambda: dns.asked(domain), sender.patience_s):
            inconclusive(f"the DNS is not asked within {sender.patience_s:g} s")
        dns.heal(domain)
        sender.demand_arrival([hop], domain, "the DNS answers again", retried=True)


@requirement(
    "rfc5321/5.1/no-such-domain-reported",
    level=MUST,
    needs=TOLD,
    refuted_by=Fault("relay-no-bounce"),
)
def test_a_domain_that_does_not_exist_is_reported(target: Target) -> None:
    """The sender of a message to a domain that does not exist is told: at once, or by a notification."""
    with submitting(target) as sender:
        domain = sender.outbound.domain()
        reply = sender.hand_in(f"user@{domain}")
        if is_refused_for_good(reply):
            return
        verify_reply(reply, code="2yz", why="else the error is reported at once, by 5yz")
        if not sender.await_notification(domain):
            raise Finding(
                "a refusal, or a notification, that the domain does not exist (NXDOMAIN)",
                f"no notification within {sender.patience_s:g} s",
            )


def _set_mx(sender: Sender, domain: str, preferences: list[int]) -> None:
    """Give `domain` one MX record to each next hop."""
    hosts = [f"mx{number}.{domain}" for number in range(len(preferences))]
    for number, host in enumerate(hosts):
        sender.outbound.dns.set(host, "A", sender.outbound.next_hop_host(number))
    records = (f"{preference} {host}." for preference, host in zip(preferences, hosts, strict=True))
    sender.outbound.dns.set(domain, "MX", *records)
