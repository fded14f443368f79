"""`mailproof probe` from the outside."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import probe
from harness.targets.embedded import embedded_target
from harness.targets.file import TargetFile
from harness.targets.loader import load_target
from harness.vocabulary.errors import ConnectFailed, TargetFileError, UsageError
from harness.vocabulary.exit_codes import ExitCode


@pytest.fixture(scope="module")
def file() -> Iterator[TargetFile]:
    with embedded_target(accounts=1, outbound=False) as file:
        yield file


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    probe.add_parser(parser.add_subparsers())
    options = parser.parse_args(["probe", *arguments])
    return int(options.run(options))


def test_what_answers_is_listed_and_written(
    file: TargetFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("ALICE_PASSWORD", "a")
    monkeypatch.setenv("BOB_PASSWORD", "b")
    written = tmp_path / "new.toml"
    assert run(str(file.path), "--write-target", str(written)) == ExitCode.CONFORMS
    shown = capsys.readouterr().out
    for word in ("PIPELINING", "UIDL", "IMAP4REV1", "TLS 1.3", "issuer:", "verified", "[accounts]"):
        assert word in shown
    assert "NOT verified" not in shown
    assert written.stat().st_mode & 0o777 == 0o600
    again = load_target(written)
    assert [str(endpoint) for endpoint in again.endpoints] == [str(endpoint) for endpoint in file.endpoints]
    assert (again.trust, again.accounts.domain) == (file.trust, "example.test")


def test_an_untrusted_certificate_is_said_to_be_so(
    file: TargetFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distrusting = tmp_path / "target.toml"
    distrusting.write_text(
        "\n".join(line for line in file.path.read_text().splitlines() if not line.startswith("ca_file"))
    )
    assert run(str(distrusting)) == ExitCode.CONFORMS
    assert "NOT verified" in capsys.readouterr().out


def test_nothing_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "new.toml"
    with pytest.raises(ConnectFailed, match=r"nothing answers on 127\.0\.0\.254: cannot connect"):
        run("127.0.0.254", "--timeout", "1", "--write-target", str(written))
    assert "cannot connect" in capsys.readouterr().out
    assert not written.exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["no.toml"], TargetFileError, r"no\.toml: cannot be read"),
        (["smtp://host"], UsageError, "is no host; give a name, an address, or the path of a target file"),
        (["localhost", "--ca", "no.pem"], UsageError, "--ca: cannot read the CA certificates in no.pem"),
        (["localhost", "--write-target", "/no/such/x.toml"], UsageError, "there is no folder /no/such"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(*arguments)


def test_a_time_out_is_a_length_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("0", "-1", "nan", "soon"):
        with pytest.raises(SystemExit):
            run("localhost", "--timeout", wrong)
        assert "must be a number of seconds greater than 0" in capsys.readouterr().err
