"""Checks of RFC 2177."""
