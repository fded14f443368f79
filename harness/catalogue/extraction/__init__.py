"""Finds the normative sentences of RFCs and keeps the catalogue's files in step with them.

A tool of the project's own (`nox -s catalogue`): the texts are read from a directory and never copied; the
catalogue keeps a digest of each sentence, and what it says in our own words.
"""
