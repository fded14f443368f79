"""Checks of RFC 3501."""
