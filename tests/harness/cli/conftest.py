"""A shop for each test of a command that runs suites."""

import sys
from pathlib import Path

import pytest

import harness.plugin.run
from harness.cli import session

sys.path.insert(0, str(Path(__file__).parent))
from sample_shop import Shop


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Shop:
    shop = Shop(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "SUITES", shop.suites)
    monkeypatch.setattr(harness.plugin.run, "DIRECTORY", tmp_path / "catalogue")
    return shop
