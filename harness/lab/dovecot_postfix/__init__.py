"""Debian 12's Dovecot and Postfix, run from one directory with mailproof's own configuration."""

from harness.lab.dovecot_postfix.configuration import Layout, Ports, lay_down, target_text
from harness.lab.dovecot_postfix.server import LabError, missing_packages, run

__all__ = ["LabError", "Layout", "Ports", "lay_down", "missing_packages", "run", "target_text"]
