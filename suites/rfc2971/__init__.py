"""Checks of RFC 2971."""
