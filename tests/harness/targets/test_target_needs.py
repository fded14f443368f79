"""What a target lacks, said in one line."""

import socket
from pathlib import Path

import pytest

from harness.targets.loader import load_target
from harness.targets.target import Target
from harness.vocabulary.judging import Need, Offers
from harness.vocabulary.services import Service

SERVICES = {
    "smtp": "[service.smtp]\nhost = '127.0.0.1'\nport = 1",
    "submission": "[service.submission]\nhost = '127.0.0.1'\nport = 1",
    "pop3": "[service.pop3]\nhost = '127.0.0.1'\nport = 1",
    "imap": "[service.imap]\nhost = '127.0.0.1'\nport = 1",
}


def target(folder: Path, *services: str, more: str = "", accounts: int = 3, extra: str = "") -> Target:
    pool = ", ".join(f"{{ address = 'u{n}@e.test', password = 'p' }}" for n in range(accounts))
    file = folder / "target.toml"
    file.write_text(
        "\n".join(["schema = 1", extra, *(SERVICES[name] for name in services)])
        + f"\n[accounts]\ndomain = 'e.test'\npool = [{pool}]\n{more}\n"
    )
    return Target(load_target(file))


def test_what_is_there_is_not_lacking(tmp_path: Path) -> None:
    more = "unknown = 'no@e.test'\npop3 = ['u0@e.test']"
    one = target(tmp_path, "smtp", "pop3", "imap", more=more)
    for need in (
        Need.SUBMIT,
        Need.RETRIEVE,
        Need.UNKNOWN_RECIPIENT,
        Need.TWO_ACCOUNTS,
        Need.EMPTY_MAILDROP,
        Need.HOSTILE,
        Need.IMAP,
        Need.POP3,
        Service.SMTP,
        Service.IMAP,
    ):
        assert one.lacks(need) is None


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        (Need.SUBMIT, "the target has none of smtp, lmtp, submission, submissions"),
        (Need.UNKNOWN_RECIPIENT, "the target file names no accounts.unknown"),
        (Need.TWO_ACCOUNTS, "the target file names fewer than two accounts"),
        (Need.EMPTY_MAILDROP, "the target file names no accounts.pop3, whose maildrops may be emptied"),
        (Need.OUTBOUND, "the target file has no [outbound]"),
        (Need.HOSTILE, 'the target file does not permit "hostile-input"'),
        (Service.LMTP, "the target has no lmtp"),
        (Need.POP3, "the target has none of pop3, pop3s"),
        (Offers(Need.POP3, "UIDL"), "the target has none of pop3, pop3s"),
        (Offers(Service.SMTP, "SIZE"), "the target has no smtp"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, need: Need, reason: str) -> None:
    one = target(tmp_path, "imap", accounts=1, extra='permits = ["conformance"]')
    assert one.lacks(need) == reason


def test_a_reader_and_a_maildrop_need_their_services(tmp_path: Path) -> None:
    one = target(tmp_path, "smtp", more="pop3 = ['u0@e.test']")
    assert one.lacks(Need.RETRIEVE) == "the target has none of imap, imaps, pop3, pop3s"
    assert one.lacks(Need.EMPTY_MAILDROP) == "the target has none of pop3, pop3s"
    alone = target(tmp_path, "pop3", more="pop3 = ['u0@e.test']")
    assert alone.lacks(Need.EMPTY_MAILDROP) == (
        "the target has none of smtp, lmtp, submission, submissions, imap, imaps"
    )


def test_outbound_needs_an_address_to_answer_on(tmp_path: Path) -> None:
    outbound = "[outbound]\ndns = '{}'\ndomains = ['r.test']"
    assert target(tmp_path, "submission", more=outbound.format("127.0.0.1:9")).lacks(Need.OUTBOUND) in {
        None,
        "DNS on port 9 takes root",
    }
    reason = target(tmp_path, "submission", more=outbound.format("192.0.2.99:5353")).lacks(Need.OUTBOUND)
    assert reason is not None
    assert reason.startswith("no DNS on 192.0.2.99:5353: ")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_worker:
        other_worker.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{other_worker.getsockname()[1]}"
        assert target(tmp_path, "submission", more=outbound.format(place)).lacks(Need.OUTBOUND) is None


def test_the_accounts_set_the_number_of_workers(tmp_path: Path) -> None:
    assert target(tmp_path, "imap", accounts=2).workers_possible == 1
    assert target(tmp_path, "imap", accounts=12).workers_possible == 4
    assert (
        target(tmp_path, "imap", accounts=12, more="pop3 = ['u0@e.test', 'u1@e.test']").workers_possible == 2
    )
    one = target(tmp_path, "imap", accounts=5)
    shares = [one.with_worker(index, 2).accounts for index in range(2)]
    assert sorted(map(len, shares)) == [2, 3]


def test_addresses_are_in_the_domain(tmp_path: Path) -> None:
    one = target(tmp_path, "imap", more="alias = 'sales@e.test'\nover_quota = 'full@e.test'")
    assert one.address("joe") == "joe@e.test"
    assert (one.alias, one.over_quota_address, one.unknown_address) == ("sales@e.test", "full@e.test", None)
