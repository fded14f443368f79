"""Whole runs: Locust in child processes, against next hops and the reference server."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.peers.behaviour import ACCEPT, Behaviour, Stage, drop, refuse
from harness.peers.next_hop import NextHop
from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import Service
from loadtests.profile_file import PROFILE_DIRECTORY

LOCUSTFILE = PROFILE_DIRECTORY.parent / "locustfile.py"
SECONDS = 2


@pytest.fixture(scope="module")
def served() -> Iterator[TargetFile]:
    with embedded_target(accounts=4, outbound=False) as file:
        yield file


def run_locust(
    profile: str | Path, target: Path, *options: str, folder: Path
) -> tuple[dict[str, Any] | None, int, str]:
    """Run plain Locust in `folder`; its report, exit code, and what it said."""
    reading, writing = os.pipe()
    command = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--skip-log-setup"),
        *("--profile", str(profile), "--target", str(target), "-r", "10", "-t", f"{SECONDS}s", *options),
    ]
    child = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "MAILPROOF_REPORT_FD": str(writing)},
        pass_fds=[writing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    _, errors = child.communicate(timeout=60)
    report = next((line["report"] for line in told if "report" in line), None)
    return report, child.returncode, errors


@pytest.fixture
def next_hop_target(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A target whose SMTP is a next hop of ours, and whose IMAP, if it has one, is the reference server's."""
    hops = []

    def make(behaviour: Behaviour, served: TargetFile | None = None) -> Path:
        hop = NextHop(behaviour=behaviour).start()
        hops.append(hop)
        smtp = f'[service.smtp]\nhost = "127.0.0.1"\nport = {hop.port}\ntls = "none"\n'
        path = tmp_path / "target.toml"
        if served is None:
            accounts = '[accounts]\ndomain = "b.test"\npool = [{ address = "a@b.test", password = "x" }]\n'
            path.write_text(f'schema = 1\nname = "hop"\npermits = ["load"]\n{smtp}{accounts}')
            return path
        imap = served.endpoint(Service.IMAP)
        assert imap is not None
        ca_file = served.trust.ca_file
        pool = ", ".join(
            f'{{ address = "{account.address}", password = "{account.password}" }}'
            for account in served.accounts.pool
        )
        path.write_text(
            f'schema = 1\nname = "hop"\npermits = ["load"]\n{smtp}'
            f'[service.imap]\nhost = "{imap.host}"\nport = {imap.port}\ntls = "starttls"\n'
            f'[trust]\nca_file = "{ca_file}"\nserver_name = "{served.trust.server_name}"\n'
            f'[accounts]\ndomain = "{served.accounts.domain}"\npool = [{pool}]\n'
        )
        return path

    yield make
    for hop in hops:
        hop.stop()


@pytest.fixture
def own_profile(tmp_path: Path) -> Path:
    text = (PROFILE_DIRECTORY / "smtp-inbound.toml").read_text(encoding="utf-8")
    assert "settle_s = 30 " in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace("settle_s = 30 ", "settle_s = 0.3 "), encoding="utf-8")
    return path


def failures(report: dict[str, Any]) -> dict[str, int]:
    return {f"{failure['name']} {failure['error']}": failure["count"] for failure in report["failures"]}


def test_ledger_counts_exactly_what_was_refused_and_dropped(
    next_hop_target: Callable[..., Path], tmp_path: Path
) -> None:
    orders = refuse(Stage.TEXT, 451, "4.3.0 queue 4711 is full", times=3) + drop(Stage.TEXT, times=2)
    orders += refuse(Stage.RCPT, 550, times=4)
    report, code, _ = run_locust("smtp-inbound", next_hop_target(orders), "-u", "2", folder=tmp_path)
    assert report is not None
    counted = failures(report)
    assert counted.pop("text Refusal: 451 4.3.0") == 3
    assert counted.pop("RCPT Refusal: 550 5.0.0") == 4
    ((broken, count),) = counted.items()
    assert broken.startswith("text PeerClosed")
    assert count == 2
    ledger = report["ledger"]
    assert (ledger["refused"], ledger["in_doubt"], ledger["read_back"]) == (3, 2, False)
    assert ledger["sent"] == ledger["accepted"] + 5
    assert code == report["verdict"]["exit_code"] == ExitCode.VIOLATES


def test_accepted_and_thrown_away_is_lost(
    next_hop_target: Callable[..., Path], own_profile: Path, served: TargetFile, tmp_path: Path
) -> None:
    report, code, _ = run_locust(own_profile, next_hop_target(ACCEPT, served), "-u", "2", folder=tmp_path)
    assert report is not None
    assert report["failures"] == []
    assert report["ledger"]["accepted"] > 0
    assert report["ledger"]["missing"] == report["ledger"]["accepted"]
    assert code == ExitCode.VIOLATES
    assert report["verdict"]["reasons"][0] == f"{report['ledger']['accepted']} messages lost"


@pytest.mark.parametrize("profile", ["smtp-inbound", "imap-reading", "pop3-download-delete", "mail-flow"])
def test_profiles_run_distributed_from_a_folder_with_packages_of_the_same_names(
    served: TargetFile, tmp_path: Path, profile: str
) -> None:
    for name in ("loadtests", "harness"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    report, code, errors = run_locust(
        profile, served.path, "-u", "4", "--processes", "2", *free_master_port(), folder=tmp_path
    )
    assert report is not None, errors
    assert (report["failures"], report["troubles"]) == ([], [])
    assert report["workers"] == 2
    ledger = report["ledger"]
    assert ledger["sent"] == ledger["accepted"] == ledger["seen"] > 0
    assert code == ExitCode.CONFORMS, report["verdict"]


def free_master_port() -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    return ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]


def test_unreachable_target_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "target.toml"
    path.write_text(
        'schema = 1\nname = "none"\npermits = ["load"]\n'
        '[service.smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
        '[accounts]\ndomain = "b.test"\n'
        'pool = [{ address = "a@b.test", password = "x" }, { address = "b@b.test", password = "x" }]\n'
    )
    report, code, errors = run_locust("smtp-inbound", path, "--processes", "2", folder=tmp_path)
    assert report is None
    assert code == ExitCode.INCONCLUSIVE, errors
    assert errors == (
        "mailproof load: cannot connect to 127.0.0.1:1: connection refused; "
        f"start the server, or mend {path}\n"
    )
