"""One load run in one process: its profile, target, share of the accounts, ledger, and its end."""

import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from harness.targets.accounts import share
from harness.targets.file import Account, Permit, TargetFile
from harness.targets.loader import load_target
from harness.vocabulary.errors import MailproofError, UsageError
from loadtests.ledger import Ledger, Totals
from loadtests.measuring import Step, StepFailed
from loadtests.messages import Message, build, draw
from loadtests.profile_file import Profile, load_profile
from loadtests.sessions import Dialer, ImapSession, Pop3Session, SmtpSession
from loadtests.sweep import IMAP, POP3, Inbox, begin, sweep_inbox, sweep_maildrop

SENDER: Final = "sender@load.mailproof.test"


class Run:
    """What the users of one process share.

    Made once before Locust forks its workers; `start` begins a run with this process's part of the
    accounts, and a web UI may start several one after another.
    """

    def __init__(self, profile: Profile, file: TargetFile) -> None:
        self.profile = profile
        self.file = file
        self.dialer = Dialer(file)
        self.nonce = secrets.token_hex(4)
        self.troubles: list[str] = []
        """What kept us from seeing all of the run."""
        self.finishing = False
        self._runs = 0
        self.start(0, 1)

    def start(self, worker: int, workers: int) -> None:
        """Begin a run as worker number `worker` (from 0) of `workers`."""
        self._runs += 1
        self.worker = worker
        self.accounts = share(self.file.accounts.pool, worker, workers)
        # The number of the run in this process keeps ids apart when the same worker runs again.
        self.ledger = Ledger(f"{self.nonce}{self._runs:x}", worker, reads=self.reads)
        self.finishing = False
        self.troubles.clear()
        # Processes forked from one would draw the same numbers.
        self.random = random.Random(f"{self.nonce}.{self._runs}.{worker}")
        self._free = list(self.accounts)
        self._turn = count()
        self._inboxes: dict[str, Inbox] = {}
        self._maildrops: dict[str, Account] = {}
        self._at_end: list[Callable[[], object]] = []

    def await_share(self) -> None:
        """Have no accounts until the master gives a share; a worker that comes too late gets none."""
        self.accounts = ()

    @property
    def reads(self) -> bool:
        """Whether the messages of this run are looked for again."""
        return self.dialer.has(*IMAP) or self.dialer.has(*POP3)

    # Accounts

    def next_account(self) -> Account:
        """Return the accounts of this worker in turn; several users may have the same."""
        return self.accounts[next(self._turn) % len(self.accounts)]

    def lease(self) -> Account | None:
        """Return an account that no other user has, or None if all are taken."""
        return self._free.pop() if self._free else None

    def give_back(self, account: Account) -> None:
        """End a lease."""
        self._free.append(account)

    def is_watched(self, account: Account) -> bool:
        """Whether it is known where the run's mail begins for this account, or can not be known."""
        return account.address in self._inboxes or not self.dialer.has(*IMAP)

    def watch_inbox(self, account: Account) -> Inbox | None:
        """Note where the run's mail begins in an INBOX; None where it can not be read.

        To be called before anything is sent there; what is there already is never touched.
        """
        if not self.dialer.has(*IMAP):
            if self.dialer.has(*POP3):
                self.watch_maildrop(account)
            return None
        if account.address not in self._inboxes:
            inbox = begin(self.dialer, account)
            # Another user of the account may have come first while the server answered.
            self._inboxes.setdefault(account.address, inbox)
        return self._inboxes[account.address]

    def watch_maildrop(self, account: Account) -> None:
        """Read the account's maildrop at the end."""
        self._maildrops[account.address] = account

    def at_end(self, act: Callable[[], object]) -> None:
        """Call `act` when the users have stopped: the place to remove what they made."""
        self._at_end.append(act)

    # Messages

    def compose(self, account: Account) -> Message:
        """Make a message for `account`, of a size drawn from the profile."""
        octets = draw(self.profile.sizes, self.random, self.file.limits.max_message_octets)
        return build(
            self.ledger.new_id(),
            sender=SENDER,
            recipient=account.address,
            date=datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
            octets=octets,
        )

    # The end

    def finish(self) -> None:
        """Read for what is still awaited, remove what the run made; called when the users have stopped."""
        deadline = time.monotonic() + self.profile.settle_s
        for act in self._at_end:
            self._guarded("removing what was made", act)
        for inbox in self._inboxes.values():
            act = partial(sweep_inbox, self.dialer, self.ledger, inbox, deadline)
            self._guarded(f"the last reading of {inbox.account.address}", act)
        for account in self._maildrops.values():
            act = partial(sweep_maildrop, self.dialer, self.ledger, account, deadline)
            self._guarded(f"the last reading of {account.address}", act)

    def _guarded(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (MailproofError, StepFailed) as error:
            self.troubles.append(f"{what} failed: {error}")

    def totals(self) -> Totals:
        """Return the ledger's figures as they stand."""
        return self.ledger.totals()


def prepare(
    profile_name: str,
    target: str,
    directory: str | None = None,
    *,
    users: int | None = None,
    workers: int = 1,
) -> Run:
    """Read profile and target, and refuse what cannot work; raises a `MailproofError` of one line."""
    profile = load_profile(profile_name)
    file = load_target(Path(target), directory=None if directory is None else Path(directory))
    if file.needs_launch:
        raise UsageError(
            f"{target}: this target is started by mailproof; use `mailproof load`, "
            "or start it yourself and name its directory with --target-directory"
        )
    if Permit.LOAD not in file.permits:
        raise UsageError(
            f'{target}: permits: load is not permitted; add "load" if the server may be put under load'
        )
    dialer = Dialer(file)
    for services in profile.services:
        dialer.endpoint(*services)
    accounts = len(file.accounts.pool)
    if accounts < workers:
        raise UsageError(f"{target}: {accounts} accounts are too few for {workers} workers; name more")
    if users is not None:
        if profile.exclusive and users > accounts:
            raise UsageError(
                f"{target}: {users} users need as many accounts, and there are {accounts}; "
                "name more in [accounts], or ask for fewer with --users"
            )
        most = file.limits.max_connections
        if most is not None and users * len(profile.services) > most:
            raise UsageError(
                f"{target}: {users} users need {users * len(profile.services)} connections, and "
                f"limits.max_connections is {most}; ask for fewer with --users"
            )
    return Run(profile, file)


def try_target(run: Run) -> None:
    """Speak once to each service that the run uses; raises what it would fail with many times.

    That is what the profile needs, and what its messages are looked for with.
    """
    account = run.file.accounts.pool[0]
    reading = [next(services for services in (IMAP, POP3) if run.dialer.has(*services))] if run.reads else []
    for services in dict.fromkeys((*run.profile.services, *reading)):
        endpoint = run.dialer.endpoint(*services)
        step = Step()
        session: SmtpSession | Pop3Session | ImapSession
        try:
            if endpoint.service in IMAP:
                session = ImapSession(run.dialer, endpoint)
                session.connect(step)
                session.login(step, account)
                session.logout(step)
            elif endpoint.service in POP3:
                session = Pop3Session(run.dialer, endpoint)
                session.connect(step)
                session.login(step, account)
                session.quit(step)
            else:
                session = SmtpSession(run.dialer, endpoint)
                session.connect(step)
                session.quit(step)
        except StepFailed as error:
            who, mend = " to serve", ""
            if endpoint.service in IMAP + POP3:
                who = f" the login of {account.login}"
                mend = "; is the password in the target file's [accounts] right?"
            raise MailproofError(f"{endpoint.service} on {endpoint} refuses{who}: {error}{mend}") from error
        finally:
            session.end()
