"""Checks on other people's mail servers: RFC is the folder, section is the file, sentence is the check."""
