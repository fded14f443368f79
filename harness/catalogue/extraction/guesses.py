"""First guesses at what a sentence is about, for a reviewer to mend: whose duty, how seen, under which id."""

import re

from harness.catalogue.extraction.sentences import Sentence
from harness.catalogue.requirements import Side, Visibility
from harness.vocabulary.judging import Level

_SUBJECTS = tuple(
    (side, re.compile(rf"\b(?:{words})\b", re.IGNORECASE))
    for side, words in (
        (
            Side.CLIENT,
            r"clients?|user agents?|MUAs?|senders?|sending systems?|SMTP-senders?|originators?|users?",
        ),
        (Side.SERVER, r"servers?|receivers?|MTAs?|MSAs?|relays?|gateways?|SMTP-receivers?|delivery agents?"),
        (
            Side.OPERATOR,
            r"administrators?|sites?|operators?|IANA|registr\w+|extensions?|specifications?|documents?",
        ),
        (
            Side.FORMAT,
            r"fields?|headers?|syntax|grammar|characters?|values?|strings?|lines?|body|atoms?|tokens?",
        ),
        (Side.BOTH, r"implementations?|systems?|programs?|software"),
    )
)
_PARTIES = frozenset({Side.CLIENT, Side.SERVER})
_OF_SERVER = re.compile(
    r"\b(?:respon[ds]\w*|repl(?:y|ies)|return(?:s|ed)?|reject(?:s|ed)?|advertis\w+|announce\w*)\b"
)
_IN_DELIVERY = re.compile(
    r"\b(?:DSNs?|Received|Return-Path|next hop|relay\w*|notifications?|deliver\w*|trace)\b"
)
_KEY = re.compile(r"\b(?:MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_WORD = re.compile(r"[A-Za-z0-9]+")
_SMALL = frozenset(
    (
        *(
            "a",
            "an",
            "and",
            "any",
            "are",
            "as",
            "at",
            "be",
            "been",
            "being",
            "but",
            "by",
            "can",
            "do",
            "does",
        ),
        *(
            "e",
            "g",
            "i",
            "for",
            "from",
            "has",
            "have",
            "if",
            "in",
            "into",
            "is",
            "it",
            "its",
            "not",
            "of",
            "on",
        ),
        *(
            "only",
            "or",
            "other",
            "so",
            "such",
            "than",
            "that",
            "the",
            "their",
            "then",
            "there",
            "these",
            "they",
        ),
        *(
            "this",
            "those",
            "to",
            "was",
            "were",
            "when",
            "which",
            "will",
            "with",
            "would",
            "also",
            "either",
            "all",
        ),
        *(
            "each",
            "some",
            "more",
            "see",
            "one",
            "two",
            "both",
            "client",
            "clients",
            "server",
            "servers",
            "rfc",
        ),
        *("implementation", "implementations", "section", "must", "shall", "should", "may", "required"),
        *("recommended", "optional"),
    )
)
_SLUG_WORDS = 4


def side_of(sentence: Sentence) -> Side:
    """Guess whose duty it is: of the party named last before the key word, else by what is done."""
    match = _KEY.search(sentence.text)
    before = sentence.text[: match.start()] if match is not None else sentence.text
    if sentence.is_comment:
        return Side.FORMAT
    named = {
        side: [found.end() for found in pattern.finditer(before)][-1]
        for side, pattern in _SUBJECTS
        if pattern.search(before)
    }
    parties = {side: end for side, end in named.items() if side in _PARTIES}
    if named:
        last = parties or named
        side = max(last, key=last.__getitem__)
        if side is Side.FORMAT and _OF_SERVER.search(sentence.text):
            return Side.SERVER
        return side
    return Side.SERVER if _OF_SERVER.search(sentence.text) else Side.BOTH


def visibility_of(sentence: Sentence, side: Side) -> Visibility:
    """Guess how it is seen from outside."""
    if side is Side.OPERATOR:
        return Visibility.HIDDEN
    if side is Side.FORMAT or _IN_DELIVERY.search(sentence.text):
        return Visibility.DELIVERY
    return Visibility.CONNECTION


def level_of(sentence: Sentence) -> Level:
    """Return the level of the first key word, or that of a duty without one."""
    return sentence.levels[0] if sentence.levels else Level.PROSE


def slug_of(sentence: Sentence) -> str:
    """Return a few of the sentence's own words, from the key word on where that is enough."""
    match = _KEY.search(sentence.text)
    behind = _telling(sentence.text[match.end() :]) if match is not None else []
    before = _telling(sentence.text[: match.start()] if match is not None else sentence.text)
    words = behind[:_SLUG_WORDS]
    missing = _SLUG_WORDS - len(words)
    words = (before[-missing:] if missing else []) + words
    return "-".join(words) or "sentence"


def _telling(text: str) -> list[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in _SMALL]
