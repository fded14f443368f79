"""docs/server.md: its file is one that the server takes, and no key is missing from it."""

import re
from pathlib import Path

import pytest

from harness.vocabulary.errors import UsageError
from reference_server.config_file import read_file

DOCUMENT = Path(__file__).parents[2] / "docs" / "server.md"


@pytest.fixture
def example() -> str:
    found = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def complaint(tmp_path: Path, text: str) -> str:
    file = tmp_path / "server.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_file(file)
    return str(caught.value)


def test_the_example_is_taken(tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOB_PASSWORD", "secret")
    file = tmp_path / "server.toml"
    file.write_text(example, encoding="utf-8")
    found = read_file(file)
    assert found["quota_octets"] == 100_000_000
    assert len(found["aliases"]) == 2


@pytest.mark.parametrize("table", ["", "[relay]", "[limits]", "[quota]", "[[account]]"])
def test_no_key_is_missing(tmp_path: Path, example: str, table: str) -> None:
    start = "password = 'x'\naddress = 'a@b.test'\n" if table == "[[account]]" else ""
    told = complaint(tmp_path, f"{table}\n{start}nonsense = 1\n")
    known = told.rpartition("known are ")[2].split(", ")
    written = set(re.findall(r"^\[*(\w+)\b", example, re.MULTILINE)) | {"tls"}
    assert set(known) <= written
