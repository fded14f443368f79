from pathlib import Path

import pytest

from harness.targets.loader import load_target
from harness.vocabulary.errors import ConnectFailed, TargetFileError, UsageError
from loadtests.profile_file import load_profile
from loadtests.run import Run, prepare, try_target

TARGET = """\
schema = 1
name = "some"
permits = ["load"]
{services}
[accounts]
domain = "b.test"
pool = [{accounts}]
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return write(tmp_path / "target.toml")


def write(
    path: Path,
    services: tuple[str, ...] = ("smtp", "imap", "pop3", "lmtp"),
    accounts: int = 4,
    *,
    port: int = 1,
) -> Path:
    tables = "\n".join(
        f'[service.{name}]\nhost = "127.0.0.1"\nport = {port + index}\ntls = "none"'
        for index, name in enumerate(services)
    )
    entries = ", ".join(f'{{ address = "u{n}@b.test", password = "x" }}' for n in range(accounts))
    path.write_text(TARGET.format(services=tables, accounts=entries), encoding="utf-8")
    return path


def test_good_target_is_taken(target: Path) -> None:
    run = prepare("pop3-download-delete", str(target), users=4)
    assert (run.profile.name, run.file.name) == ("pop3-download-delete", "some")


@pytest.mark.parametrize(
    ("profile", "users", "workers", "complaint"),
    [
        ("pop3-download-delete", 5, 1, "5 users need as many accounts, and there are 4"),
        ("smtp-inbound", 5, 6, "4 accounts are too few for 6 workers"),
        ("pop3", 1, 1, "no load profile 'pop3'; known: imap-reading, mail-flow, "),
    ],
)
def test_what_cannot_work_is_refused(
    target: Path, profile: str, users: int, workers: int, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint):
        prepare(profile, str(target), users=users, workers=workers)


def test_load_needs_its_permit(target: Path) -> None:
    target.write_text(target.read_text().replace('["load"]', '["conformance"]'))
    with pytest.raises(UsageError, match="permits: load is not permitted"):
        prepare("smtp-inbound", str(target))


def test_services_must_be_there(tmp_path: Path) -> None:
    target = write(tmp_path / "target.toml", ("smtp",))
    prepare("smtp-inbound", str(target))
    with pytest.raises(UsageError, match="the target has no imap or imaps, which the profile needs"):
        prepare("mail-flow", str(target))


def test_connections_must_be_allowed(target: Path) -> None:
    target.write_text(target.read_text() + "[limits]\nmax_connections = 7\n")
    prepare("mail-flow", str(target), users=3)
    with pytest.raises(UsageError, match=r"4 users need 8 connections, and limits.max_connections is 7"):
        prepare("mail-flow", str(target), users=4)


def test_target_that_is_to_be_launched_is_not_ours(target: Path) -> None:
    target.write_text(target.read_text() + '[launch]\nargv = ["{python}", "{directory}"]\n')
    with pytest.raises(UsageError, match="started by mailproof; use `mailproof load`"):
        prepare("smtp-inbound", str(target))
    prepare("smtp-inbound", str(target), str(target.parent))


def test_missing_target_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match="cannot be read"):
        prepare("smtp-inbound", str(tmp_path / "missing.toml"))


def test_unreachable_target_is_found_before_the_run(target: Path) -> None:
    with pytest.raises(ConnectFailed, match=r"cannot connect to 127\.0\.0\.1:1"):
        try_target(prepare("smtp-inbound", str(target)))


def test_workers_share_nothing(target: Path) -> None:
    file = load_target(target)
    runs = [Run(load_profile("mail-flow"), file) for _ in range(3)]
    for worker, run in enumerate(runs):
        run.nonce = "same"
        run.start(worker, 3)
    addresses = [account.address for run in runs for account in run.accounts]
    assert sorted(addresses) == ["u0@b.test", "u1@b.test", "u2@b.test", "u3@b.test"]
    messages = [run.compose(run.next_account()) for run in runs for _ in range(5)]
    assert len({message.message_id for message in messages}) == 15
    assert len({len(message.octets) for message in messages}) > 10, "forked workers draw different numbers"


def test_second_run_of_a_worker_has_ids_of_its_own(target: Path) -> None:
    run = Run(load_profile("mail-flow"), load_target(target))
    first = run.compose(run.next_account()).message_id
    run.start(0, 1)
    assert run.compose(run.next_account()).message_id != first


def test_worker_without_a_share_has_no_accounts(target: Path) -> None:
    run = Run(load_profile("mail-flow"), load_target(target))
    run.await_share()
    assert run.accounts == ()


def test_leases_are_exclusive_until_given_back(target: Path) -> None:
    run = Run(load_profile("pop3-download-delete"), load_target(target))
    leased = [run.lease() for _ in range(4)]
    assert len({account.address for account in leased if account is not None}) == 4
    assert run.lease() is None
    assert leased[0] is not None
    run.give_back(leased[0])
    assert run.lease() is leased[0]


def test_end_goes_on_after_a_failure_and_tells_of_it(target: Path) -> None:
    run = Run(load_profile("smtp-inbound"), load_target(target))
    done = []

    def fails() -> None:
        raise ConnectFailed("gone")

    run.at_end(fails)
    run.at_end(lambda: done.append(1))
    run.watch_maildrop(run.accounts[0])
    run.finish()
    assert done == [1]
    assert run.troubles[0] == "removing what was made failed: gone"
    assert run.troubles[1].startswith("the last reading of u0@b.test failed: cannot connect")
