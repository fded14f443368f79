"""Hypothesis strategies for what travels in mail: one module for each noun, imported as such.

`from harness.strategies import messages`, then `@given(message=messages.conforming_messages())`. Examples
are small by default, so that a property runs quickly against a real server; each strategy says what it leaves
out.
"""
