"""Keeps the passwords of the target's accounts out of the evidence: reports are shown to others."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from harness.transport.transcript import Entry, Kind

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}")
_UNMISTAKABLE_OCTETS = 6
"""A shorter password may be a word of the server's own; it is hidden in what the client says only."""


class Secrets:
    """Passwords and tokens, hidden wherever they stand, in clear or inside a base64 word (RFC 4616).

    Each hidden octet becomes an asterisk, so that sizes and literal counts in a dialogue stay true.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple({secret.encode() for secret in secrets if secret})

    def hide(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries with every secret hidden, also one that was sent in pieces."""
        for kind, turn in groupby(entries, key=attrgetter("kind")):
            pieces = list(turn)
            octets = self._hidden(b"".join(piece.octets for piece in pieces), kind)
            offset = 0
            for piece in pieces:
                end = offset + len(piece.octets)
                yield replace(piece, octets=octets[offset:end])
                offset = end

    def _hidden(self, octets: bytes, kind: Kind) -> bytes:
        secrets = self._secrets
        if kind is not Kind.CLIENT:
            secrets = tuple(secret for secret in secrets if len(secret) >= _UNMISTAKABLE_OCTETS)
        for secret in secrets:
            octets = octets.replace(secret, b"*" * len(secret))
        return _BASE64.sub(lambda word: self._word(word[0]), octets) if kind is Kind.CLIENT else octets

    def _word(self, word: bytes) -> bytes:
        try:
            decoded = base64.b64decode(word, validate=True)
        except binascii.Error:
            return word
        return b"*" * len(word) if any(secret in decoded for secret in self._secrets) else word
