"""What all tests share: pytest's own tester, for the tests of the plugin, and an environment of their own."""

from collections.abc import Iterator

import pytest

pytest_plugins = ("pytester",)


@pytest.fixture(autouse=True, scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs are recorded elsewhere than the user's are, and nobody talks to the CI that runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
            patch.delenv(name, raising=False)
        yield
