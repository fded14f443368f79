"""What a sender hears of final delivery (RFC 3461 §5.2.3, §5.2.7)."""

from pathlib import Path

import pytest

from reference_server.clock import ManualClock
from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.mda.aliases import Aliases
from reference_server.mda.desk import Desk
from reference_server.relay.mail import Terms
from reference_server.relay.queue import TABLES, Queue
from reference_server.session.smtp.desk import Recipient, Role
from reference_server.store import Store
from reference_server.store.passwords import CHEAP

SUCCESS, NEVER = frozenset({"SUCCESS", "FAILURE"}), frozenset({"NEVER"})
SENDER = Mailbox("sender", "one.test")
ALICE, CAROL = Mailbox("alice", "one.test"), Mailbox("carol", "two.test")
ALIASES = {"both@one.test": (ALICE, CAROL), "only@one.test": (ALICE,)}


class Server:
    """A desk with accounts, aliases and a queue."""

    def __init__(self, store: Store, clock: ManualClock, *faults: str) -> None:
        for name in ("alice", "sender"):
            store.add_account(f"{name}@one.test", "secret")
        self.store, self.queue = store, Queue()
        self.desk = Desk(
            accounts=store,
            queue=self.queue,
            clock=clock,
            defects=Defects(faults),
            hostname="mail.one.test",
            domains=("one.test",),
            aliases=Aliases(ALIASES),
        )

    def deliver(self, name: str, notify: frozenset[str] | None, sender: Mailbox | None = SENDER) -> None:
        found = self.desk.recipient(Mailbox(name, "one.test"), Role.MX)
        assert isinstance(found, Recipient)
        found = Recipient(found.mailbox, found.account, notify, "rfc822;o@else.test", targets=found.targets)
        self.store.commit(self.desk.deliver(sender, [found], b"Subject: x\r\n\r\nx\r\n", Terms(envid="e")))

    def told(self) -> list[tuple[str, str]]:
        rows = self.store.run_query(lambda sql: sql.execute("SELECT octets FROM message").fetchall())
        found = []
        for (octets,) in rows:
            fields = dict(line.split(": ", 1) for line in octets.decode().splitlines() if ": " in line)
            if "Action" in fields:
                assert fields["Return-Path"] == "<>"
                assert (fields["Original-Envelope-Id"], fields["Original-Recipient"]) == (
                    "e",
                    "rfc822;o@else.test",
                )
                assert "Remote-MTA" not in fields
                found.append((fields["Final-Recipient"], fields["Action"]))
        return found


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock):
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP, tables=TABLES)
    yield opened
    opened.close()


def test_delivered_is_told_where_it_is_asked(store: Store, clock: ManualClock) -> None:
    server = Server(store, clock)
    for notify in (None, NEVER, frozenset({"FAILURE", "DELAY"})):
        server.deliver("alice", notify)
    assert server.told() == []
    server.deliver("alice", SUCCESS, sender=None)
    assert server.told() == []
    server.deliver("alice", SUCCESS)
    assert server.told() == [("rfc822; alice@one.test", "delivered")]


def test_an_alias_with_several_targets_is_expanded(store: Store, clock: ManualClock) -> None:
    server = Server(store, clock)
    server.deliver("both", SUCCESS)
    assert server.told() == [("rfc822; both@one.test", "expanded")]
    (queued,) = server.queue.mails()
    (carol,) = queued.recipients.values()
    assert carol.addressee.notify == {"FAILURE"}
    assert carol.addressee.orcpt == "rfc822;o@else.test"


def test_targets_hear_nothing_of_success_alone(store: Store, clock: ManualClock) -> None:
    server = Server(store, clock)
    server.deliver("both", frozenset({"SUCCESS"}))
    assert [one.addressee.notify for one in server.queue.mails()[0].recipients.values()] == [NEVER]


def test_an_alias_with_one_target_is_that_target(store: Store, clock: ManualClock) -> None:
    server = Server(store, clock)
    server.deliver("only", SUCCESS)
    assert server.told() == [("rfc822; alice@one.test", "delivered")]


def test_defect_success_untold(store: Store, clock: ManualClock) -> None:
    server = Server(store, clock, "dsn-success-untold")
    server.deliver("alice", SUCCESS)
    assert server.told() == []
