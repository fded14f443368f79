"""Checks of RFC 2342."""
