"""Checks of RFC 6851."""
