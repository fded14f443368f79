"""Benchmarks: what the parts cost, measured; `python -m bench [NAME...]`, or `nox -s bench -- [NAME...]`."""
