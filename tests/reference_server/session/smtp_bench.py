"""An SMTP or LMTP session on the test bench: a desk with two accounts, and a store that only remembers."""

from dataclasses import dataclass, field
from typing import Any

from driver import Driver

from reference_server.clock import ManualClock
from reference_server.codec.sasl import ScramKeys, make_scram_keys
from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.defects import Defects
from reference_server.session.base import Peer
from reference_server.session.lmtp import LmtpSession
from reference_server.session.smtp.desk import Envelope, Recipient, Refusal, Role, SmtpSettings
from reference_server.session.smtp.session import SmtpSession

DOMAIN = "example.test"
PASSWORDS = {"alice": "secret", "bob": "other secret"}
SALT = b"salt"


@dataclass
class Taken:
    """A message that the desk was asked to take on."""

    envelope: Envelope
    text: bytes
    outcomes: tuple[Refusal | None, ...] = ()
    """What became of it for each recipient."""


class Desk:
    """Knows alice and bob at example.test; alice may only send as herself."""

    def __init__(self) -> None:
        self.refuses_text: Refusal | None = None
        self.full: set[str] = set()
        """Mailboxes without room."""
        self.lists: dict[str, tuple[Mailbox, ...]] = {}
        """Aliases, by local part."""

    def recipient(self, mailbox: Mailbox, role: Role) -> Recipient | Refusal:
        if mailbox.domain.lower() not in ("", DOMAIN):
            if role is Role.SUBMISSION:
                return Recipient(mailbox, None)
            return Refusal(550, "5.7.1", "relaying is not permitted")
        local = mailbox.local_part.lower().partition("+")[0]
        if local in PASSWORDS or local == "postmaster":
            return Recipient(mailbox, local)
        return Refusal(550, "5.1.1", "no such user here")

    def sender_refusal(self, reverse_path: ReversePath, account: "Any | None", role: Role) -> Refusal | None:
        if role is Role.SUBMISSION and reverse_path is not None and reverse_path.local_part != account:
            return Refusal(550, "5.7.1", "not yours")
        return None

    def change_for(self, envelope: Envelope, text: bytes) -> "Taken | Refusal":
        full = Refusal(452, "4.2.2", "mailbox full")
        outcomes = tuple(full if one.account in self.full else None for one in envelope.recipients)
        return self.refuses_text or Taken(envelope, text, outcomes)

    def named(self, name: str) -> tuple[Mailbox, ...]:
        domains = [DOMAIN, "other.test"] if name == "bob" else [DOMAIN]
        return tuple(Mailbox(name, domain) for domain in domains)

    def members(self, mailbox: Mailbox) -> tuple[Mailbox, ...] | None:
        return self.lists.get(mailbox.local_part)

    def scram_keys(self, login: str) -> "tuple[Any | None, ScramKeys]":
        return (
            (login, make_scram_keys(PASSWORDS[login], SALT, 4096))
            if login in PASSWORDS
            else (None, make_scram_keys("unknown", SALT, 4096))
        )


@dataclass
class Backend:
    """Remembers what was committed."""

    taken: list[Taken] = field(default_factory=list)

    def verify(self, login: str, password: str) -> str | None:
        local = login.partition("@")[0]
        return local if PASSWORDS.get(local) == password else None

    def commit(self, change: Taken) -> Taken:
        self.taken.append(change)
        return change

    def run_query(self, work: Any) -> Any:
        raise AssertionError("SMTP asks no queries")


@dataclass
class Bench:
    """A session, its desk and what it delivered."""

    driver: Driver
    desk: Desk
    backend: Backend
    clock: ManualClock

    @property
    def taken(self) -> list[Taken]:
        return self.backend.taken

    def send(self, *lines: bytes) -> bytes:
        """Send lines in one piece; what came back."""
        return self.driver.send(b"".join(line + b"\r\n" for line in lines))

    def codes(self, *lines: bytes) -> list[int]:
        """Send lines in one piece; the codes of the replies, one for each."""
        return codes(self.send(*lines))


def codes(octets: bytes) -> list[int]:
    """Return the codes of complete replies."""
    assert not octets or octets.endswith(b"\r\n")
    return [int(line[:3]) for line in octets.split(b"\r\n")[:-1] if line[3:4] != b"-"]


def bench(
    role: Role = Role.MX, *, faults: tuple[str, ...] = (), secure: bool = False, **settings: Any
) -> Bench:
    """Start a session and read its greeting."""
    desk, backend, clock = Desk(), Backend(), ManualClock()
    kind = LmtpSession if role is Role.LMTP else SmtpSession
    session = kind(
        Peer("192.0.2.1", 4711, secure=secure),
        settings=SmtpSettings(role=role, hostname="mx.example.test", **settings),
        desk=desk,
        defects=Defects(faults),
        clock=clock,
    )
    made = Bench(Driver(session, backend), desk, backend, clock)
    assert made.driver.greeting.startswith(b"220 mx.example.test ")
    return made


def greeted(role: Role = Role.MX, **options: Any) -> Bench:
    """A session after EHLO or LHLO."""
    made = bench(role, **options)
    hello = b"LHLO" if role is Role.LMTP else b"EHLO"
    assert made.codes(hello + b" client.test") == [250]
    return made
