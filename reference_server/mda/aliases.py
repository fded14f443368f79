"""Aliases: addresses that stand for others, here or elsewhere (RFC 5321 §3.9.1).

An alias changes the recipients of the envelope and nothing else: the sender stays who gets the bounces, which
is what sets it apart from a mailing list (§3.9.2).
"""

from collections.abc import Callable, Mapping

from reference_server.codec.smtp.path import Mailbox

MOST_TARGETS = 1000
"""How many addresses an alias may come to in the end."""
_DEEPEST = 50
"""How many aliases may stand for one another in a row."""


class AliasLoop(Exception):
    """An alias leads nowhere but to itself, or to more addresses than anybody can mean."""


class Aliases:
    """The server's aliases, by address; case does not matter."""

    def __init__(self, targets: Mapping[str, tuple[Mailbox, ...]]) -> None:
        self._targets = {address.lower(): mailboxes for address, mailboxes in targets.items()}

    def __bool__(self) -> bool:
        return bool(self._targets)

    def targets(self, mailbox: Mailbox) -> tuple[Mailbox, ...] | None:
        """Return what an alias stands for, None for an address that is none.

        `sales+spring` is `sales`, and hands `+spring` on to targets that have no detail of their own.
        """
        domain = mailbox.domain.lower()
        local_part = mailbox.local_part.lower()
        found = self._targets.get(f"{local_part}@{domain}")
        if found is not None or "+" not in local_part:
            return found
        base, _, detail = mailbox.local_part.partition("+")
        found = self._targets.get(f"{base.lower()}@{domain}")
        return found and tuple(_with_detail(target, detail) for target in found)

    def expand(self, mailbox: Mailbox, is_account: Callable[[Mailbox], bool]) -> tuple[Mailbox, ...] | None:
        """Return the addresses that an alias comes to in the end, each once; None if it is no alias.

        An alias that is met again on the way to itself is an account where there is one of that name (so that
        `alice` may stand for `alice` and another place), else it is passed over; raises `AliasLoop` when
        nothing remains.
        """
        if not self._targets or self.targets(mailbox) is None:
            return None
        finals: dict[str, Mailbox] = {}
        met: set[str] = set()
        waiting: list[tuple[Mailbox, frozenset[str]]] = [(mailbox, frozenset())]
        while waiting:
            current, path = waiting.pop()
            name = _key(current)
            targets = self.targets(current)
            if targets is None or name in path:
                if targets is None or is_account(current):
                    finals.setdefault(name, current)
                continue
            if name in met:
                continue
            met.add(name)
            if len(path) >= _DEEPEST:
                raise AliasLoop(f"{mailbox} stands for too many aliases in a row")
            inner = path | {name}
            waiting += [(target, inner) for target in reversed(targets)]
            if len(finals) + len(waiting) > MOST_TARGETS:
                raise AliasLoop(f"{mailbox} stands for more than {MOST_TARGETS} addresses")
        if not finals:
            raise AliasLoop(f"{mailbox} stands for nothing but itself")
        return tuple(finals.values())


def _key(mailbox: Mailbox) -> str:
    return f"{mailbox.local_part.lower()}@{mailbox.domain.lower()}"


def _with_detail(target: Mailbox, detail: str) -> Mailbox:
    if "+" in target.local_part:
        return target
    return Mailbox(f"{target.local_part}+{detail}", target.domain)
