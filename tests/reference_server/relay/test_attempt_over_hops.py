"""One attempt: hop after hop, until every recipient has an answer."""

import asyncio
from dataclasses import dataclass, field

from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.relay.attempt import Attempt, Unreachable
from reference_server.relay.dialogue import Outcome
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.relay.routing import Hop, Unroutable

OK, NO, LATER = Reply(250, "", ("ok",)), Reply(550, "", ("no",)), Reply(450, "", ("later",))
A, B = Mailbox("a", "two.test"), Mailbox("b", "two.test")


@dataclass
class World:
    """Hops by address: the replies they give, or what is wrong with them."""

    hops: "dict[str, dict[str, Reply] | Reply | str]"
    asked: list[tuple[str, bool]] = field(default_factory=list)
    route_reply: Reply | None = None

    async def route(self, domain: str) -> "tuple[Hop, ...] | Unroutable":
        assert domain == "two.test"
        if self.route_reply is not None:
            return Unroutable(self.route_reply)
        return tuple(Hop(f"mx{address}", address) for address in self.hops)

    async def speak(self, hop: Hop, mail: OutgoingMail, use_tls: bool) -> Outcome:
        self.asked.append((hop.address, use_tls))
        outcome = Outcome()
        match self.hops[hop.address]:
            case "unreachable":
                raise Unreachable("refused")
            case "broken TLS" if use_tls:
                outcome.tls_failed = True
                outcome.hop_failure = LATER
            case Reply() as failure:
                outcome.hop_failure = failure
            case dict() as replies:
                outcome.replies = {
                    number: replies[one.mailbox.local_part]
                    for number, one in enumerate(mail.recipients)
                    if one.mailbox.local_part in replies
                }
                if len(outcome.replies) < len(mail.recipients):
                    outcome.hop_failure = LATER
            case _:
                outcome.replies = dict.fromkeys(range(len(mail.recipients)), OK)
        return outcome


def attempt(world: World) -> dict[str, tuple[int, str | None]]:
    mail = OutgoingMail(None, (Addressee(A), Addressee(B)), b"\r\n")
    answers = asyncio.run(Attempt(world, world.speak, mail, "two.test").run())  # type: ignore[arg-type]
    return {mailbox.local_part: (answer.reply.code, answer.host) for mailbox, answer in answers.items()}


def test_the_first_hop_that_works_is_the_last() -> None:
    world = World({"1": {"a": OK, "b": NO}, "2": {"a": OK, "b": OK}})
    assert attempt(world) == {"a": (250, "mx1"), "b": (550, "mx1")}
    assert world.asked == [("1", True)]


def test_the_next_hop_gets_those_without_an_answer() -> None:
    world = World({"1": "unreachable", "2": LATER, "3": {"a": OK}, "4": {"b": OK}})
    assert attempt(world) == {"a": (250, "mx3"), "b": (250, "mx4")}


def test_no_hop_works() -> None:
    assert attempt(World({"1": "unreachable"})) == {"a": (451, None), "b": (451, None)}
    assert attempt(World({"1": NO, "2": LATER})) == {"a": (450, "mx2"), "b": (450, "mx2")}
    assert attempt(World({"1": NO, "2": NO})) == {"a": (550, "mx1"), "b": (550, "mx1")}
    assert attempt(World({"1": {"a": NO}, "2": "unreachable"})) == {"a": (550, "mx1"), "b": (450, "mx1")}


def test_nowhere_to_go() -> None:
    assert attempt(World({}, route_reply=NO)) == {"a": (550, None), "b": (550, None)}


def test_without_tls_after_a_failed_handshake() -> None:
    world = World({"1": "broken TLS"})
    assert attempt(world) == {"a": (250, "mx1"), "b": (250, "mx1")}
    assert world.asked == [("1", True), ("1", False)]
