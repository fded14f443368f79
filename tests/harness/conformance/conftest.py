"""A sandbox for each test of a run."""

from pathlib import Path

import pytest
from conformance_sandbox import Sandbox


@pytest.fixture
def sandbox(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", here)
    monkeypatch.syspath_prepend(here)
    return Sandbox(pytester)
