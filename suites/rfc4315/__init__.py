"""Checks of RFC 4315."""
