"""Checks on the whole way of a message: handed in by one protocol, read by another."""
