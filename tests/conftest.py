"""What all tests share: pytest's own tester, for the tests of the plugin."""

pytest_plugins = ("pytester",)
