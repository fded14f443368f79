"""Checks of RFC 5161."""
