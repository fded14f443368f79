"""Says what the suites need, where somebody runs them as plain pytest without it."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run the suites without a target."""
    if items and config.getoption("mailproof_target", None) is None:
        message = "the suites need a mail server: pytest --pyargs suites --target TARGET.toml"
        raise pytest.UsageError(message)
