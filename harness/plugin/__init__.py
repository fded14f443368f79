"""The pytest plugin: `door` is what every pytest session loads, `run` what a run with a target needs."""
