"""What all tests of the reference server share; this file also makes `driver` importable below."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_server.clock import ManualClock
from reference_server.store import Account, Store
from reference_server.store.passwords import CHEAP

PASSWORD = "correct horse"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """A store in a directory of its own, owned by the test's thread."""
    opened = Store.open(tmp_path / "data", clock=clock, cost=CHEAP)
    yield opened
    opened.close()


@pytest.fixture
def alice(store: Store) -> Account:
    account = store.add_account("alice@one.test", PASSWORD)
    assert isinstance(account, Account)
    return account


@pytest.fixture
def bob(store: Store) -> Account:
    account = store.add_account("bob@one.test", PASSWORD)
    assert isinstance(account, Account)
    return account
