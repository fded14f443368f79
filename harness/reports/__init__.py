"""Readers of a run: console, JSON, JUnit, and what they all count."""
