"""Checks of RFC 4959."""
