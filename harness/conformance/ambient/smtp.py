"""Rules for the replies of SMTP and LMTP (RFC 5321 §4.2)."""

import re
from collections.abc import Iterator

from harness.conformance.ambient.rule import Breach, Conversation, Rule
from harness.conformance.verify import show
from harness.transport.transcript import Kind
from harness.vocabulary.services import Service

_SERVICES = frozenset({Service.SMTP, Service.SUBMISSION, Service.SUBMISSIONS, Service.LMTP})
_CODE = re.compile(rb"[2-5][0-9]{2}(?![0-9])")
_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)([^\r\n]*)\r?\n")
_CHALLENGE = b"334"
"""Its text is the mechanism's, which may have nothing to say (RFC 4954 §4)."""


def _lines(conversation: Conversation) -> Iterator[bytes]:
    """Return the lines of the replies, each with its LF; an unfinished one is none."""
    octets = b"".join(entry.octets for entry in conversation.entries if entry.kind is Kind.SERVER)
    yield from (line for line in octets.splitlines(keepends=True) if line.endswith(b"\n"))


def _first_digits(conversation: Conversation) -> Iterator[Breach]:
    for line in _lines(conversation):
        if _CODE.match(line) is None:
            yield Breach("a reply code of three digits, the first from 2 to 5", show(line))


def _bare_codes(conversation: Conversation) -> Iterator[Breach]:
    texts: list[bytes] = []
    for line in _lines(conversation):
        found = _LINE.fullmatch(line)
        if found is None:
            return
        code, separator, text = found.groups()
        texts.append(text)
        if separator != b"-":
            if code != _CHALLENGE and not any(text.strip() for text in texts):
                yield Breach("some text in the reply", show(line))
            texts.clear()


FIRST_DIGIT = Rule(
    "rfc5321/4.2/first-digit-2-to-5",
    (),
    "All replies of all sessions have codes of three digits, the first from 2 to 5",
    "smtp",
    _SERVICES,
    _first_digits,
)
NO_BARE_CODES = Rule(
    "rfc5321/4.2/no-bare-codes",
    (),
    "All replies of all sessions have some text",
    "smtp",
    _SERVICES,
    _bare_codes,
)
