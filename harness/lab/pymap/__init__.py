"""pymap, an IMAP server in Python (https://github.com/icgood/pymap), run from one directory."""

from harness.lab.pymap.server import missing_program, run

__all__ = ["missing_program", "run"]
