"""The fixtures of a run, registered only where there is a target."""

import pytest

from harness.conformance.examiner import BENCH


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> object:
    """Give the mail server under test; fresh state comes from its context managers, inside the check."""
    return pytestconfig.stash[BENCH].subject.target
