"""What a run leaves that was killed is told from what is a user's, and removed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.targets.embedded import embedded_target
from harness.targets.file import Account, TargetFile
from harness.targets.leftovers import Kind, clean_account, is_ours
from harness.targets.target import Target
from harness.vocabulary.services import Service
from harness.wire.imap import ListData

USERS = (
    b"From: <joe@example.test>\r\nMessage-ID: <1@example.test>\r\nTo: <x@mailproof.test>\r\n\r\nHello.\r\n"
)
OURS = b"From: <joe@example.test>\r\nMessage-ID: <1.2@mailproof.test>\r\n\r\nHello.\r\n"


@pytest.mark.parametrize(
    "message",
    [
        OURS,
        b"Received: from client.mailproof.test ([::1])\r\n by mail.example.test; today\r\n\r\nHello.\r\n",
        b"RECEIVED: from [127.0.0.1]\r\n\t(helo client.mailproof.test) by x; today\r\n\r\nHello.\r\n",
        b"Return-Path: <sender@client.mailproof.test>\r\nSubject: note\r\n\r\nHello.\r\n",
        b"Return-Path: <>\r\n\r\nCould not be delivered:\r\nFrom: <harness@client.mailproof.test>\r\n",
        b"not a header at all\r\nFrom: <harness@client.mailproof.test>\r\n\r\n",
    ],
)
def test_a_message_of_the_harness_is_known_by_its_marks(message: bytes) -> None:
    assert is_ours(message)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        USERS,
        b"From: <joe@example.test>\r\nReferences: <1.2@mailproof.test>\r\n\r\nFrom: <a@mailproof.test>\r\n",
        b"From: <joe@notmailproof.test>\r\nMessage-ID: <1@mailproof.testing.example>\r\n\r\nHello.\r\n",
        b"From: <joe@my-mailproof.test>\r\n\r\nHello.\r\n",
        b"Return-Path: <>\r\n\r\nCould not be delivered:\r\nFrom: <joe@example.test>\r\n",
        b"not a header at all\r\nSubject: From: <a@client.mailproof.test>\r\n\r\n",
    ],
)
def test_any_other_message_is_a_users(message: bytes) -> None:
    assert not is_ours(message)


@pytest.fixture(scope="module")
def file() -> Iterator[TargetFile]:
    with embedded_target(accounts=6, outbound=False) as running:
        accounts = replace(running.accounts, pop3=running.accounts.pool[-1:])
        yield replace(running, accounts=accounts)


def account_of(target: Target, *, drop: bool = False) -> Account:
    drops = target.file.accounts.pop3
    return drops[0] if drop else next(one for one in target.accounts if one not in drops)


def removed(target: Target, account: Account, *, dry_run: bool = False) -> list[tuple[Kind, str, bool]]:
    found = list(clean_account(target, account, dry_run=dry_run))
    assert not any(leftover.reason for leftover in found)
    return [(leftover.kind, leftover.name, leftover.removed) for leftover in found]


def test_mailboxes_subscriptions_and_messages_go_and_what_is_a_users_stays(file: TargetFile) -> None:
    theirs = {b"INBOX", b"mailproof-notes", b"mailproof-abc123-1", b"keep"}
    with Target(file) as target:
        account = account_of(target)
        with target.imap(account) as client:
            for name in theirs - {b"INBOX"}:
                assert client.create(name).ok
            for name in (b"mailproof-abc1230-1", b"mailproof-abc1230-1/child", b"mailproof-fedcba12-7&-z"):
                assert client.create(name).ok
            assert client.subscribe(b"mailproof-abc1230-1").ok
            assert client.subscribe(b"keep").ok
            for message in (USERS, OURS, USERS, OURS):
                assert client.append("INBOX", message).ok
            assert client.select("INBOX").ok
            assert client.store(1, b"+FLAGS", [rb"\Deleted"]).ok
        shown = removed(target, account, dry_run=True)
        done = removed(target, account)
        assert [one[:2] for one in shown] == [one[:2] for one in done]
        assert not any(gone for _, _, gone in shown)
        assert all(gone for _, _, gone in done)
        assert [name for kind, name, _ in done if kind is Kind.MAILBOX] == [
            "mailproof-abc1230-1/child",
            "mailproof-fedcba12-7&-z",
            "mailproof-abc1230-1",
        ]
        assert [name for kind, name, _ in done if kind is Kind.SUBSCRIPTION] == ["mailproof-abc1230-1"]
        assert len([kind for kind, _, _ in done if kind is Kind.MESSAGE]) == 2
        assert removed(target, account) == []
        with target.imap(account) as client:
            assert {data.mailbox for data in client.list().all(ListData)} == theirs
            assert {data.mailbox for data in client.lsub().all(ListData)} == {b"keep"}
            assert client.select("INBOX").ok
            assert client.selected is not None
            assert client.selected.exists == 2
            assert client.search(b"DELETED").numbers == (1,)


def test_a_maildrop_that_may_be_emptied_is(file: TargetFile) -> None:
    with Target(file) as target:
        account = account_of(target, drop=True)
        with target.imap(account) as client:
            assert client.append("INBOX", USERS).ok
        assert len(removed(target, account)) == 1
        assert removed(target, account) == []


def test_by_pop3_alone(file: TargetFile) -> None:
    with Target(file) as target:
        account = account_of(target)
        with target.imap(account) as client:
            before = (client.status("INBOX", b"MESSAGES"), client.append("INBOX", OURS))
            assert all(result.ok for result in before)
    endpoints = tuple(one for one in file.endpoints if one.service is Service.POP3)
    with Target(replace(file, endpoints=endpoints)) as target:
        with target.pop3(account) as drop:
            count = drop.stat().messages
        assert [name for _, name, _ in removed(target, account, dry_run=True)] == ["<1.2@mailproof.test>"]
        assert [gone for _, _, gone in removed(target, account)] == [True]
        assert removed(target, account) == []
        with target.pop3(account) as drop:
            assert drop.stat().messages == count - 1
