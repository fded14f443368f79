"""The server's reader of messages (RFC 5322, RFC 2045-2047): any octets have a reading, and none takes long.

What is malformed is read as far as it can be and never refused: a message that was accepted can be fetched.
"""
