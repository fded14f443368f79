"""The accounts of a target: read from the file, shared between workers, leased one at a time."""

import os
import re
import secrets
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.targets.file import Account, Accounts
from harness.targets.findings import Lacking
from harness.targets.reading import Reader, nearest
from harness.vocabulary.errors import MailproofError

_NUMBER = re.compile(r"\{n(?::(0?[0-9]{1,2})d?)?\}")
_MOST_ACCOUNTS = 1_000_000
_WHEN_ALL_ARE_LEASED_S = 30.0
LEAST_ACCOUNTS = 3
"""What one worker needs: a sender, a recipient, and another one."""
_RING = 6
"""How many accounts of a kind go round."""


class OutOfAccounts(MailproofError):
    """All accounts of this worker's share are in use; the target file names too few."""


def read_accounts(reader: Reader) -> Accounts:
    """Read `[accounts]`."""
    reader.allow_only({"domain", "pool", "pattern", "create", "unknown", "alias", "over_quota", "pop3"})
    pool = [_read_entry(entry) for entry in reader.subs("pool")]
    if (pattern := reader.sub("pattern")) is not None:
        pool += _read_pattern(pattern)
    create = reader.optional_texts("create")
    if not pool and create is None and not reader.has("pool"):
        reader.fail(
            "pool",
            "no account is named; add { address = ..., login = ..., password = ... }, or write pool = [] "
            "to judge only what needs none",
        )
    seen: set[str] = set()
    for account in pool:
        if account.address.lower() in seen:
            reader.fail(
                "pool", f"{account.address} is named twice; the checks need each account for themselves"
            )
        seen.add(account.address.lower())
    return Accounts(
        domain=_domain(reader),
        pool=tuple(pool),
        pop3=_read_pop3(reader, pool),
        create=create,
        unknown=_optional_address(reader, "unknown"),
        alias=_optional_address(reader, "alias"),
        over_quota=_optional_address(reader, "over_quota"),
    )


def _domain(reader: Reader) -> str:
    domain = reader.text("domain")
    if "@" in domain or any(character.isspace() for character in domain):
        reader.fail("domain", f'"{domain}" is no domain; give the part of the addresses after the @')
    return domain


def _address(reader: Reader, key: str) -> str:
    address = reader.text(key)
    local_part, at, domain = address.rpartition("@")
    if not at or not local_part or not domain or "\r" in address or "\n" in address:
        reader.fail(key, f'"{address}" is no address; write it as local-part@domain')
    return address


def _optional_address(reader: Reader, key: str) -> str | None:
    return _address(reader, key) if reader.has(key) else None


def _read_entry(reader: Reader) -> Account:
    reader.allow_only({"address", "login", "password", "password_env", "token_env"})
    address = _address(reader, "address")
    secrets = [key for key in ("password", "password_env", "token_env") if reader.has(key)]
    if not secrets:
        reader.fail("password", "missing; give password, password_env or token_env")
    if "password" in secrets and "password_env" in secrets:
        reader.fail("password_env", "give either password or password_env, not both")
    password = reader.optional_text("password") or _from_environment(reader, "password_env")
    return Account(
        address, reader.optional_text("login") or address, password, _from_environment(reader, "token_env")
    )


def _from_environment(reader: Reader, key: str) -> str | None:
    name = reader.optional_text(key)
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        reader.fail(key, f"the environment has no {name}; export {name}=...")
    return value


def _read_pattern(reader: Reader) -> list[Account]:
    reader.allow_only({"address", "login", "password", "password_env", "count"})
    if reader.has("password") == reader.has("password_env"):
        reader.fail("password", "give either password or password_env")
    password = reader.optional_text("password") or _from_environment(reader, "password_env")
    assert password is not None
    address = _address(reader, "address")
    if not _NUMBER.search(address):
        reader.fail("address", 'must hold {n}, the number of the account, as in "u{n:03}@example.test"')
    login = reader.optional_text("login") or address
    count = reader.whole("count", least=1, most=_MOST_ACCOUNTS)
    return [
        Account(_numbered(address, n), _numbered(login, n), _numbered(password, n))
        for n in range(1, count + 1)
    ]


def _numbered(pattern: str, n: int) -> str:
    """Fill in `{n}` and `{n:03}`; all other braces stay as they are."""
    return _NUMBER.sub(lambda found: format(n, found[1] or ""), pattern)


def _read_pop3(reader: Reader, pool: Sequence[Account]) -> tuple[Account, ...]:
    known = {account.address: account for account in pool}
    for address in reader.texts("pop3", ()):
        if address not in known:
            reader.fail("pop3", f'"{address}" is not in the pool; {nearest(address, known)}')
    return tuple(known[address] for address in reader.texts("pop3", ()))


def share(accounts: Sequence[Account], index: int, count: int) -> tuple[Account, ...]:
    """The part of `accounts` for worker `index` of `count`: disjoint, and of nearly equal size."""
    return tuple(accounts[index::count])


class AccountPool:
    """Leases accounts: while one has it, nobody else of this worker gets it.

    They go round, the one that came back last goes out last, since mail for it may still be under way. Only
    the first few do so while they suffice, since the first login to an account takes long: a server is right
    to make passwords expensive.
    """

    def __init__(
        self,
        accounts: Accounts,
        *,
        worker: tuple[int, int] = (0, 1),
        create: Callable[[], Account] | None = None,
    ) -> None:
        index, count = worker
        drops = frozenset(account.address for account in accounts.pop3)
        general = [account for account in accounts.pool if account.address not in drops]
        self._drops = drops
        self.accounts = (*share(general, index, count), *share(accounts.pop3, index, count))
        """This worker's share: those for any use first, then those whose maildrop may be emptied."""
        firsts = [*self.accounts[: len(self.accounts) - self.maildrops][:_RING]]
        firsts += self.accounts[len(self.accounts) - self.maildrops :][:_RING]
        self._ring = frozenset(account.address for account in firsts)
        self._free = deque(self.accounts)
        self._holders: dict[str, int] = {}
        """Which thread has an account that is out, by address."""
        self._create = create
        self._returned = threading.Condition()

    @property
    def maildrops(self) -> int:
        """How many of them are for POP3 checks."""
        return sum(account.address in self._drops for account in self.accounts)

    @contextmanager
    def lease(self, *, maildrop: bool = False) -> Iterator[Account]:
        """Give one account for the time of the context; with `maildrop` one that may be emptied."""
        account = self.take(maildrop=maildrop)
        try:
            yield account
        finally:
            self.give_back(account)

    def take(self, *, maildrop: bool = False) -> Account:
        """Take an account out; waits a while for one that another thread has."""
        deadline = time.monotonic() + _WHEN_ALL_ARE_LEASED_S
        with self._returned:
            while (account := self._next(maildrop=maildrop)) is None:
                if not maildrop and self._create is not None:
                    account = self._create()
                    self.accounts = (*self.accounts, account)
                    self._holders[account.address] = threading.get_ident()
                    return account
                left_s = deadline - time.monotonic() if self._may_come_back(maildrop=maildrop) else 0.0
                if left_s <= 0 or not self._returned.wait(left_s):
                    raise self._none_left(maildrop=maildrop)
            self._free.remove(account)
            self._holders[account.address] = threading.get_ident()
            return account

    def _may_come_back(self, *, maildrop: bool) -> bool:
        """Whether another thread has an account of the kind: who has them all would wait for himself."""
        here = threading.get_ident()
        return any(
            holder != here and (not maildrop or address in self._drops)
            for address, holder in self._holders.items()
        )

    def _next(self, *, maildrop: bool) -> Account | None:
        """The next free account of the kind; those for any use first where the kind does not matter."""
        drops = [account for account in self._free if account.address in self._drops]
        others = [] if maildrop else [account for account in self._free if account.address not in self._drops]
        for kind in (others, drops):
            usual = [account for account in kind if account.address in self._ring]
            if usual or kind:
                return (usual or kind)[0]
        return None

    def _none_left(self, *, maildrop: bool) -> MailproofError:
        """Return what to say where no account is free: all are in use, or there never were enough."""
        kind = "account of [accounts] pop3" if maildrop else "account"
        named = self.maildrops if maildrop else len(self.accounts)
        mend = "name more of them in the target file's [accounts]"
        if named < LEAST_ACCOUNTS:
            return Lacking(f"no {kind} is free of {named}; {mend}")
        return OutOfAccounts(f"no {kind} is free; {mend}")

    def give_back(self, account: Account) -> None:
        """Put an account back."""
        with self._returned:
            self._holders.pop(account.address, None)
            self._free.append(account)
            self._returned.notify_all()


def create_account(command: Sequence[str], domain: str, name: str) -> Account:
    """Make a fresh account by the target file's own command."""
    address, password = f"{name}@{domain}", secrets.token_urlsafe(12)
    argv = [word.replace("{address}", address).replace("{password}", password) for word in command]
    try:
        made = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise OutOfAccounts(f"accounts.create: {argv[0]} cannot be started: {error.strerror}") from None
    if made.returncode != 0:
        said = (made.stderr or made.stdout).strip().replace("\n", " | ") or "it printed nothing"
        raise OutOfAccounts(f"accounts.create ended with status {made.returncode} for {address}: {said}")
    return Account(address, address, password)
