"""DNS that fails or goes round, next hops that fail at each stage, and a message that goes in circles."""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from server_process import ALICE, WAIT_S, ServerProcess, serving

from harness.peers.behaviour import ACCEPT, Behaviour, Stage, delay, drop, hide, no_ehlo, refuse
from harness.peers.dns import DnsResponder
from harness.peers.next_hop import NextHop

HOP_ADDRESS = "127.0.0.4"
DEAD_ADDRESS = "127.0.0.5"
RELAY = """
[relay]
retry_pauses_s = [0.1, 0.2]
connect_timeout_s = 2
reply_timeout_s = 2
final_reply_timeout_s = 0.5
dns_timeout_s = 1
"""
TEXT = b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <%d@one.test>\r\n\r\nline\r\n"


class Scene:
    """Our server, the DNS that it asks, and a next hop on the port that it sends to."""

    def __init__(self, server: ServerProcess, dns: DnsResponder, hop: NextHop) -> None:
        self.server = server
        self.dns = dns
        self.hop = hop

    def submit(self, *recipients: str, sender: str = ALICE, number: int = 1) -> None:
        with self.server.smtp("submission") as client:
            assert client.login() == 235
            assert client.deliver(TEXT % number, *recipients, sender=sender).startswith(b"250 ")

    def bounces(self, count: int) -> list[bytes]:
        """Wait for so many bounces, then return all that are there."""
        return self.server.wait_for(count)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with DnsResponder() as dns, NextHop(HOP_ADDRESS) as hop:
        dns.add_zone("test")
        dns.set("hop.test", "A", HOP_ADDRESS)
        options = (f"--resolver={dns.host}:{dns.port}", f"--relay-port={hop.port}")
        with serving(tmp_path_factory.mktemp("relay"), *options, config=RELAY) as server:
            yield Scene(server, dns, hop)


@pytest.fixture(autouse=True)
def nothing_is_left(scene: Scene) -> Iterator[None]:
    scene.hop.behaviour = ACCEPT
    scene.hop.forget()
    yield
    scene.server.empty_inbox()


# DNS


def test_what_will_never_be_found_bounces_at_once_and_what_may_be_waits(scene: Scene) -> None:
    dns = scene.dns
    dns.null_mx("null.test")
    dns.set("loop-a.test", "CNAME", "loop-b.test.")
    dns.set("loop-b.test", "CNAME", "loop-a.test.")
    for name in ("broken.test", "silent.test"):
        dns.set(name, "MX", "10 hop.test.")
    dns.servfail("broken.test")
    dns.silence("silent.test")
    scene.submit("x@null.test", "x@nowhere.test", "x@broken.test", "x@silent.test", "x@loop-a.test")
    told = b"".join(scene.bounces(2))
    assert b"Final-Recipient: rfc822; x@null.test\r\n" in told
    assert b"Final-Recipient: rfc822; x@nowhere.test\r\n" in told
    assert b"x@broken.test" not in told.replace(b"Original-Recipient", b"")
    assert b"Final-Recipient: rfc822; x@loop-a.test" not in told
    assert dns.wait_for("broken.test", "MX", WAIT_S)
    dns.heal("broken.test")
    dns.heal("silent.test")
    received = scene.hop.wait_for(2, WAIT_S)
    assert sorted(one for mail in received for one in mail.rcpt_tos) == ["x@broken.test", "x@silent.test"]
    # The loop is mended, too: it was only put off.
    dns.remove("loop-b.test")
    dns.set("loop-b.test", "MX", "10 hop.test.")
    assert len(scene.hop.wait_for(3, WAIT_S)) == 3


def test_a_hundred_exchangers_do_not_hold_up_the_queue(scene: Scene) -> None:
    """The first ones are dead; what is tried of the rest is bounded; the answer needs TCP to be whole."""
    names = [f"mx{number:03}.a-long-name-that-fills-the-answer.test" for number in range(100)]
    scene.dns.set("hundred.test", "MX", *(f"{number} {name}." for number, name in enumerate(names)))
    for name in names:
        scene.dns.set(name, "A", DEAD_ADDRESS)
    scene.submit("x@hundred.test", "x@[%s]" % HOP_ADDRESS)  # noqa: UP031 - an address literal
    assert len(scene.hop.wait_for(1, WAIT_S)) == 1
    assert scene.dns.wait_for("hundred.test", "MX", WAIT_S)
    scene.dns.set("hundred.test", "MX", "10 hop.test.")
    assert len(scene.hop.wait_for(2, WAIT_S)) == 2
    transports = {query.transport for query in scene.dns.asked("hundred.test", "MX")}
    assert transports == {"udp", "tcp"}


def test_one_family_that_is_lame_and_no_time_to_live(scene: Scene) -> None:
    scene.dns.set("both.test", "MX", "10 mx.both.test.", ttl_s=0)
    scene.dns.set("mx.both.test", "AAAA", "::1", ttl_s=0)
    scene.dns.set("mx.both.test", "A", HOP_ADDRESS, ttl_s=0)
    scene.submit("x@both.test")
    assert len(scene.hop.wait_for(1, WAIT_S)) == 1


# The next hop


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.TEXT])
def test_421_at_each_stage_is_tried_again(scene: Scene, stage: Stage) -> None:
    scene.hop.behaviour = refuse(stage, 421, times=1)
    scene.submit(f"x@[{HOP_ADDRESS}]", f"y@[{HOP_ADDRESS}]")
    scene.hop.wait_for_attempts(Stage.TEXT, 1, WAIT_S)
    recipients: list[str] = []
    expected = 1
    while len(recipients) < 2:
        received = scene.hop.wait_for(expected, WAIT_S)
        assert len(received) >= expected
        recipients = [one.partition("@")[0] for mail in received for one in mail.rcpt_tos]
        expected += 1
    assert sorted(recipients) == ["x", "y"]
    assert scene.server.inbox() == {}


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.TEXT])
def test_a_connection_that_drops_at_each_stage(scene: Scene, stage: Stage) -> None:
    """After the dot nobody can know (RFC 5321 §4.5.5 and RFC 1047): at most one copy more."""
    scene.hop.behaviour = drop(stage, times=1)
    scene.submit(f"x@[{HOP_ADDRESS}]")
    received = scene.hop.wait_for(1, WAIT_S)
    assert 1 <= len(received) <= 2
    assert scene.server.inbox() == {}


def test_silence_after_the_dot(scene: Scene) -> None:
    scene.hop.behaviour = delay(Stage.TEXT, 1.0, times=1)
    scene.submit(f"x@[{HOP_ADDRESS}]")
    attempts = scene.hop.wait_for_attempts(Stage.TEXT, 2, WAIT_S)
    assert len(attempts) >= 2
    assert scene.hop.wait_for(1, WAIT_S)
    assert scene.server.inbox() == {}


def test_each_recipient_has_a_fate_of_its_own(scene: Scene) -> None:
    """One is refused for ever, one is greylisted, one is taken; the sender hears of the first only."""
    never, later, now = (f"{word}@[{HOP_ADDRESS}]" for word in ("never", "later", "now"))
    scene.hop.behaviour = refuse(Stage.RCPT, 550, only=[never]) + refuse(
        Stage.RCPT, 451, only=[later], times=1
    )
    scene.submit(never, later, now)
    received = scene.hop.wait_for(2, WAIT_S)
    assert sorted(one for mail in received for one in mail.rcpt_tos) == [later, now]
    (bounce,) = scene.bounces(1)
    assert bounce.startswith(b"Return-Path: <>\r\n")
    assert bounce.count(b"Final-Recipient: ") == 1
    assert b"Final-Recipient: rfc822; never@" in bounce


def test_nobody_is_told_of_a_failed_notification(scene: Scene) -> None:
    """RFC 5321 §6.1: what fails and has the null sender makes no bounce; the next failure's is alone."""
    gone = f"gone@[{HOP_ADDRESS}]"
    scene.hop.behaviour = refuse(Stage.RCPT, 550, only=[gone])
    scene.submit(gone, sender="")
    scene.hop.wait_for_attempts(Stage.RCPT, 1, WAIT_S)
    scene.submit(gone, number=2)
    (bounce,) = scene.bounces(1)
    assert b"<2@one.test>" in bounce


@pytest.mark.parametrize("behaviour", [no_ehlo(), hide("PIPELINING"), hide("8BITMIME", "SIZE")])
def test_hops_that_know_little(scene: Scene, behaviour: Behaviour) -> None:
    scene.hop.behaviour = behaviour
    scene.submit(f"x@[{HOP_ADDRESS}]")
    assert len(scene.hop.wait_for(1, WAIT_S)) == 1


# Circles


def test_a_message_with_too_many_hops_is_refused(scene: Scene) -> None:
    """Up to 100 Received fields are no loop (RFC 5321 §6.3)."""
    field = b"Received: from a.test by b.test; Thu, 01 Jan 2026 12:00:00 +0000\r\n"
    with scene.server.smtp() as client:
        assert client.deliver(field * 99 + b"\r\n", ALICE).startswith(b"250 ")
        assert client.deliver(field * 400 + b"\r\n", ALICE).startswith(b"554 5.4.6")
    assert len(scene.server.inbox()) == 1


def common_port(*addresses: str) -> int:
    for port in random.sample(range(10_000, 30_000), 200):
        with ExitStack() as stack:
            try:
                for address in addresses:
                    stack.enter_context(socket.socket()).bind((address, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@contextmanager
def circle(folder: Path) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers, each with an alias that stands for the other's."""
    port = common_port("127.0.0.6", "127.0.0.7")
    with ExitStack() as stack:
        dns = stack.enter_context(DnsResponder())
        dns.add_zone("test")
        servers = []
        for number, other in ((6, 7), (7, 6)):
            dns.set(f"d{number}.test", "MX", f"10 mx{number}.test.")
            dns.set(f"mx{number}.test", "A", f"127.0.0.{number}")
            servers.append(
                stack.enter_context(
                    serving(
                        folder / f"{number}",
                        *(f"--bind=127.0.0.{number}", f"--hostname=mx{number}.test", "--domain=one.test"),
                        *(f"--domain=d{number}.test", f"--alias=ring@d{number}.test=ring@d{other}.test"),
                        *(f"--resolver={dns.host}:{dns.port}", f"--relay-port={port}"),
                        config=f"[service.smtp]\nport = {port}\n" + RELAY,
                        host=f"127.0.0.{number}",
                    )
                )
            )
        yield servers[0], servers[1]


def test_a_loop_through_two_servers_ends_with_one_notification(tmp_path: Path) -> None:
    with circle(tmp_path) as (first, second):
        with first.smtp("submission") as client:
            assert client.login() == 235
            assert client.deliver(TEXT % 1, "ring@d6.test", sender=ALICE).startswith(b"250 ")
        # alice is at home on both; whichever gave up has told her.
        found = first.wait_for(1, first, second)
        assert len(found) == 1
        assert found[0].startswith(b"Return-Path: <>\r\n")
        assert b"Action: failed\r\n" in found[0]
        assert b"5.4.6" in found[0]
