"""How a next hop behaves: a list of orders, each for one stage of the dialogue.

ACCEPT                                                  everything is accepted
refuse(Stage.RCPT, 451, times=2)                        the first two recipients are put off, then all is well
refuse(Stage.RCPT, 550, only={"no@remote.test"})        one recipient is refused for ever
drop(Stage.TEXT)                                        the connection ends before the reply to the final dot
no_ehlo() + refuse(Stage.MAIL, 550)                     orders add up; the first that fits acts
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from harness.vocabulary.errors import LocalProtocolError


class Stage(StrEnum):
    """Where in the dialogue an order acts (RFC 5321 §3)."""

    CONNECT = "connect"
    """Before the greeting."""
    EHLO = "EHLO"
    HELO = "HELO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    """The DATA command itself, before the text."""
    TEXT = "text"
    """After the final dot: the reply that takes the responsibility (RFC 5321 §4.1.1.4)."""
    RSET = "RSET"
    NOOP = "NOOP"
    QUIT = "QUIT"


@dataclass(frozen=True, slots=True)
class Order:
    """What happens instead of acceptance at one stage; drops the connection where `reply` is empty."""

    stage: Stage
    reply: str = ""
    """The whole reply, as `451 4.3.0 try again later`."""
    times: int | None = None
    """How often, counted over all connections; None means always."""
    only: frozenset[str] = frozenset()
    """Only for these mailboxes (MAIL, RCPT); empty means for all."""
    delay_s: float = 0.0
    """Wait this long first; with neither a reply nor `drops` it is accepted after that."""
    drops: bool = False
    """End the connection without a reply."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Orders that are tried in their order; what none of them fits is accepted."""

    orders: tuple[Order, ...] = ()
    hidden: frozenset[str] = frozenset()
    """EHLO keywords that are not announced."""

    def __add__(self, other: Self) -> "Behaviour":
        return Behaviour(self.orders + other.orders, self.hidden | other.hidden)


ACCEPT = Behaviour()
"""Every message is accepted and recorded."""


def refuse(
    stage: Stage, code: int, text: str = "", *, times: int | None = None, only: Iterable[str] = ()
) -> Behaviour:
    """Refuse at `stage` with a 4yz or 5yz code, the first `times` times or always."""
    if not 400 <= code <= 599:
        raise LocalProtocolError(f"{code} is no refusal: codes 400 to 599 are")
    words = text or f"{code // 100}.0.0 refused at {stage} by order"
    return Behaviour((Order(stage, f"{code} {words}", times, frozenset(only)),))


def drop(stage: Stage, *, times: int | None = None) -> Behaviour:
    """End the connection instead of replying; at `Stage.TEXT`, before the reply to the final dot."""
    return Behaviour((Order(stage, times=times, drops=True),))


def delay(stage: Stage, seconds: float, *, times: int | None = None) -> Behaviour:
    """Reply at `stage` only after `seconds`, then as usual."""
    return Behaviour((Order(stage, times=times, delay_s=seconds),))


def no_ehlo() -> Behaviour:
    """Know HELO only, as RFC 5321 §3.2 asks senders to cope with."""
    return Behaviour((Order(Stage.EHLO, "502 5.5.1 command not implemented"),))


def hide(*keywords: str) -> Behaviour:
    """Leave these EHLO keywords out of the announcement."""
    return Behaviour(hidden=frozenset(keyword.upper() for keyword in keywords))
