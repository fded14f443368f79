"""Provisioning on the reference server: places of one's own, and what becomes of them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from harness.targets.embedded import embedded_target
from harness.targets.file import Account, TargetFile
from harness.targets.findings import DeliveryRefused, Lacking, WrongMail
from harness.targets.inbox import ImapInbox
from harness.targets.launch import LaunchFailed
from harness.targets.target import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.errors import TlsFailed
from harness.vocabulary.judging import Need, Offers
from harness.vocabulary.services import Service
from harness.wire.imap import Exists, FetchData, ListData

MESSAGE = b"From: <a@b.test>\r\nTo: <c@example.test>\r\nSubject: x\r\n\r\n.dots\r\n..\r\n"


@pytest.fixture(scope="module")
def file() -> Iterator[TargetFile]:
    with embedded_target(accounts=4, outbound=False) as file:
        yield file


@pytest.fixture
def target(file: TargetFile) -> Iterator[Target]:
    with Target(file, wait_s=5.0) as target:
        yield target


def test_mail_is_put_in_and_read_back(target: Target) -> None:
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, MESSAGE)
        stored = mailbox.only_message()
        assert stored.without_trace == MESSAGE
        assert stored.text == b".dots\r\n..\r\n"
        assert (stored.field("return-path") or b"").startswith(b"<harness@")
        mailbox.expect_none(beside=1)


def test_two_mailboxes_are_two_accounts(target: Target) -> None:
    with target.fresh_mailbox() as one, target.fresh_mailbox() as other:
        target.deliver([one, other], MESSAGE, by=Service.LMTP, sender="")
        assert one.account != other.account
        assert one.only_message().field("Return-Path") == b"<>"
        assert other.only_message().without_trace == MESSAGE


def test_what_arrived_is_gone_afterwards_and_nothing_else(target: Target) -> None:
    with target.account() as account, target.imap(account) as client:
        assert client.append("INBOX", b"Subject: of the owner\r\n\r\n").ok
    addresses = set()
    for _ in range(2 * len(target.accounts)):
        with pytest.raises(RuntimeError), target.fresh_mailbox() as mailbox:  # noqa: PT012
            addresses.add(mailbox.address)
            target.deliver(mailbox, MESSAGE)
            raise RuntimeError("the check fails before it reads")
    assert account.address in addresses
    with target.imap(account) as client:
        result = client.select("INBOX")
        assert result.first(Exists) == Exists(1)


def test_mail_that_nobody_read_does_not_reach_the_next_check(target: Target) -> None:
    for _ in range(2 * len(target.accounts)):
        with target.fresh_mailbox() as mailbox, target.smtp() as client:
            assert client.submit(sender="a@b.test", to=mailbox.address, message=MESSAGE).code == 250
    for _ in target.accounts:
        with target.fresh_mailbox() as mailbox:
            mailbox.expect_none()


def test_a_refusal_is_a_finding(target: Target) -> None:
    assert target.unknown_address is not None
    with pytest.raises(DeliveryRefused, match=r"expected smtp accepts an ordinary message .*; got 55\d"):
        target.deliver(target.unknown_address, MESSAGE)


def test_a_maildrop_holds_what_was_put_in(target: Target) -> None:
    with target.maildrop() as drop:
        drop.put([MESSAGE, MESSAGE + b"more\r\n"])
        assert drop.exact
        with drop.open() as client:
            assert client.stat().messages == 2
            assert client.retr(1).body == MESSAGE
        drop.open()  # left open, and closed at the end
    with target.pop3(drop.account) as client:
        assert client.stat().messages == 0


def test_a_mailbox_of_ones_own_is_deleted_with_all_below_it(target: Target) -> None:
    with target.imap_mailbox() as mailbox:
        assert mailbox.append(MESSAGE, [rb"\Seen"]).ok
        assert mailbox.client.selected is not None
        assert mailbox.client.selected.exists == 1
        second = mailbox.second()
        assert second.fetch(1, [b"FLAGS"]).ok
        child = mailbox.child_name()
        assert child is not None
        assert mailbox.client.create(child).ok
        assert mailbox.client.create(mailbox.fresh_name()).ok
        second.disconnect()  # as a check may
    with target.imap(mailbox.account) as client:
        assert [data.mailbox for data in client.list("", "mailproof-*").all(ListData)] == []


def test_offers_are_asked_for_once(target: Target) -> None:
    assert "PIPELINING" in target.offers(Service.SMTP)
    assert target.offer_parameters(Service.SMTP)["SIZE"].isdigit()
    assert "AUTH" in target.offers(Service.SUBMISSION)
    assert "UIDL" in target.offers(Service.POP3)
    assert "IMAP4REV1" in target.offers(Service.IMAP, authenticated=True)
    target.recorder.begin()
    assert target.offers(Service.SMTP)
    assert target.recorder.dialogues() == []


def test_a_submission_is_authenticated_and_under_tls(target: Target) -> None:
    with target.account() as account, target.fresh_mailbox() as mailbox, target.submission(account) as client:
        assert client.submit(sender=account.address, to=mailbox.address, message=MESSAGE).code == 250
        assert mailbox.only_message().text == b".dots\r\n..\r\n"
    target.deliver("u01@example.test", MESSAGE, by=Service.SUBMISSION)


def test_a_refutation_sits_in_every_connection(target: Target) -> None:
    with (
        target.with_refutation(Rewrite.from_client(rb"^\.\.", b".")),
        target.fresh_mailbox() as mailbox,
    ):
        target.deliver(mailbox, MESSAGE)
        assert mailbox.only_message().text == b"dots\r\n.\r\n"
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, MESSAGE)
        assert mailbox.only_message().text == b".dots\r\n..\r\n"


def test_a_broken_reader_does_not_keep_the_mailbox_full(target: Target) -> None:
    def count() -> Exists | None:
        with target.imap(target.accounts[0]) as client:
            return client.select("INBOX").first(Exists)

    before = count()
    with (  # noqa: PT012
        pytest.raises(RuntimeError),
        target.with_refutation(Rewrite.from_server(rb"^(\S+) OK .*[Ss][Tt][Oo][Rr][Ee]", rb"\1 NO")),
        target.fresh_mailbox() as mailbox,
    ):
        assert mailbox.account == target.accounts[0]
        target.deliver(mailbox, MESSAGE)
        mailbox.only_message()
        raise RuntimeError
    assert count() == before


def test_silence_is_a_finding_after_a_while(target: Target) -> None:
    with (
        target.fresh_mailbox() as mailbox,
        pytest.raises(WrongMail, match=r"within 0\.05 s; got no messages"),
    ):
        mailbox.only_message(wait_s=0.05)


def test_a_certificate_that_does_not_verify_stops_the_login(file: TargetFile) -> None:
    stranger = replace(file, trust=replace(file.trust, server_name="elsewhere.test"))
    with Target(stranger) as target, target.account() as account:
        with pytest.raises(TlsFailed, match=r"does not verify for elsewhere\.test"):
            target.imap(account)
        sent = b"".join(dialogue.transcript.sent() for dialogue in target.recorder.dialogues())
        assert account.password is not None
        assert account.password.encode() not in sent


def test_connections_stay_within_the_limit(file: TargetFile) -> None:
    narrow = replace(file, limits=replace(file.limits, max_connections=3))
    with Target(narrow, wait_s=5.0) as target:
        for _ in range(6):
            with target.fresh_mailbox() as mailbox, target.smtp() as client:
                client.submit(sender="a@b.test", to=mailbox.address, message=MESSAGE)
                mailbox.only_message()


def test_an_unknown_fault_is_one_line() -> None:
    with (
        pytest.raises(LaunchFailed, match=r"the server ended with status 2: .*no-such-fault"),
        embedded_target(faults=["no-such-fault"], accounts=1, outbound=False),
    ):
        pass


def test_ipv6_works_as_well() -> None:
    with (
        embedded_target(accounts=2, outbound=False, arguments=["--bind", "::1"]) as file,
        Target(file, wait_s=5.0) as target,
        target.fresh_mailbox() as mailbox,
    ):
        assert {endpoint.host for endpoint in file.endpoints} == {"::1"}
        target.deliver(mailbox, MESSAGE)
        assert mailbox.only_message().without_trace == MESSAGE


def test_a_target_without_imap_is_read_by_pop3(file: TargetFile) -> None:
    endpoints = tuple(
        endpoint for endpoint in file.endpoints if endpoint.service not in {Service.IMAP, Service.IMAPS}
    )
    with Target(replace(file, endpoints=endpoints), wait_s=5.0) as target:
        for _ in range(3):
            with target.fresh_mailbox() as mailbox:
                target.deliver(mailbox, MESSAGE)
                stored = mailbox.only_message()
                assert stored.without_trace == MESSAGE
                assert stored.unique_id is not None
                mailbox.expect_none(beside=1)
            with target.maildrop() as drop:
                assert not drop.exact
                drop.put([MESSAGE, MESSAGE])
                client = drop.open()
                assert client.stat().messages == 2
                assert client.retr(2).body.endswith(MESSAGE)
            with target.pop3(drop.account) as client:
                assert client.stat().messages == 0
        with pytest.raises(Lacking, match="none of imap, imaps"), target.imap_mailbox():
            pass


def test_imaps_and_pop3s_alone_play_the_roles_of_imap_and_pop3(file: TargetFile) -> None:
    endpoints = tuple(one for one in file.endpoints if one.service in {Service.IMAPS, Service.POP3S})
    with Target(replace(file, endpoints=endpoints)) as target:
        assert target.lacks(Need.IMAP) is None
        assert target.lacks(Need.POP3) is None
        assert target.lacks(Need.EMPTY_MAILDROP) is None
        assert target.lacks(Offers(Need.IMAP, "IDLE", authenticated=True)) is None
        assert target.lacks(Offers(Need.IMAP, "X-NONE")) == "imaps does not offer X-NONE"
        assert target.lacks(Service.IMAP) == "the target has no imap"
        assert target.lacks(Offers(Service.IMAP, "STARTTLS")) == "the target has no imap"
        assert "UIDL" in target.offers(Need.POP3)
        with target.imap_mailbox() as mailbox:
            assert mailbox.append(MESSAGE).ok
        with target.maildrop() as drop:
            drop.put(MESSAGE)
            assert drop.open().stat().messages == 1
        with pytest.raises(Lacking, match="none of smtp, lmtp, submission, submissions"):
            target.deliver(drop, MESSAGE)


def test_mail_that_could_not_be_removed_is_not_sent(file: TargetFile) -> None:
    endpoints = tuple(one for one in file.endpoints if one.service is Service.SMTP)
    with Target(replace(file, endpoints=endpoints)) as target:
        with pytest.raises(Lacking, match="to read mail and remove it"), target.fresh_mailbox():
            pass
        assert target.lacks(Need.RETRIEVE) is not None
        assert target.lacks(Need.IMAP) == "the target has none of imap, imaps"
        assert target.lacks(Offers(Need.POP3, "UIDL")) == "the target has none of pop3, pop3s"


def test_a_target_without_accounts_lacks_what_takes_one(file: TargetFile) -> None:
    with Target(replace(file, accounts=replace(file.accounts, pool=(), pop3=()))) as target:
        assert target.workers_possible == 1
        assert target.lacks(Offers(Need.IMAP, "IDLE", authenticated=True)) is not None
        with pytest.raises(Lacking, match="no account is free of 0"), target.account():
            pass


def test_cleaning_that_is_interrupted_is_done_all_the_same(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed = iter([True])
    remove = ImapInbox.remove_arrived

    def press_once(inbox: ImapInbox) -> None:
        if next(pressed, False):
            raise KeyboardInterrupt
        remove(inbox)

    monkeypatch.setattr(ImapInbox, "remove_arrived", press_once)
    found: list[tuple[Account, int | None]] = []

    def look() -> None:
        with target.fresh_mailbox() as mailbox:
            target.deliver(mailbox, MESSAGE)
            found.append((mailbox.account, mailbox.only_message().uid))

    with pytest.raises(KeyboardInterrupt):
        look()
    ((account, uid),) = found
    with target.imap(account) as client:
        assert client.select("INBOX").ok
        assert not client.uid_fetch(str(uid), b"UID").all(FetchData)
