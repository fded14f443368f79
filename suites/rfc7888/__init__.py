"""Checks of RFC 7888."""
