"""Checks of RFC 3691."""
