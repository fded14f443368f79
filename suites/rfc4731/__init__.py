"""Checks of RFC 5256."""
