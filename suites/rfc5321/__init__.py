"""Checks of RFC 5321, one file per section, and the steps and refutations that all SMTP suites share."""
