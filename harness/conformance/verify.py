"""The questions that checks ask; each raises a `Finding` that shows both what was expected and what came.

An expectation is the set of legal answers. Codes, keywords and structure are compared, never human text.
"""

from collections.abc import Callable, Collection
from typing import Protocol

from harness.conformance.finding import Finding

_SHOWN_OCTETS = 2000


class SmtpReply(Protocol):
    """The part of `harness.wire.smtp.Reply` that is judged."""

    @property
    def code(self) -> int:
        """The three digits of RFC 5321 §4.2."""
        ...

    @property
    def octets(self) -> bytes:
        """The whole reply as it came."""
        ...


class Pop3Response(Protocol):
    """The part of `harness.wire.pop3.Response` that is judged."""

    @property
    def ok(self) -> bool:
        """True for `+OK`, False for `-ERR` (RFC 1939 §3)."""
        ...


class ImapStatus(Protocol):
    """The part of `harness.wire.imap.Status` that is judged."""

    @property
    def kind(self) -> object:
        """OK, NO, BAD, BYE or PREAUTH (RFC 9051 §7.1)."""
        ...


class ImapResult(Protocol):
    """The part of `harness.clients.imap.Result` that is judged."""

    @property
    def tagged(self) -> ImapStatus:
        """The response that ended the command."""
        ...


def show(value: object) -> str:
    """Write `value` for a reader: as a Python literal, a very long one cut in its middle, with its length."""
    text = repr(value)
    if len(text) <= _SHOWN_OCTETS:
        return text
    half = _SHOWN_OCTETS // 2
    length = f", {len(value)} octets" if isinstance(value, bytes) else ""
    return f"{text[:half]} [... {len(text) - 2 * half} characters left out{length}] {text[-half:]}"


def verify(condition: object, *, expected: str, actual: object) -> None:
    """Raise a `Finding` unless `condition` holds; text in `actual` is shown as it is, else as a literal."""
    if not condition:
        raise Finding(expected, actual if isinstance(actual, str) else show(actual))


def verify_equal(what: str, *, expected: object, actual: object) -> None:
    """Raise a `Finding` unless the two are equal; octet strings show where they first differ."""
    if expected == actual:
        return
    where = ""
    if isinstance(expected, bytes) and isinstance(actual, bytes):
        where = f" ({_first_difference(expected, actual)})"
    raise Finding(f"{what}: {show(expected)}", f"{show(actual)}{where}")


def verify_one_of(what: str, *, expected: Collection[object], actual: object) -> None:
    """Raise a `Finding` unless `actual` is one of the legal answers."""
    if actual not in expected:
        legal = " or ".join(sorted(show(value) for value in expected))
        raise Finding(f"{what}: {legal}", show(actual))


def verify_reply(reply: SmtpReply, *, code: int | str | Collection[int | str], why: str = "") -> None:
    """Raise a `Finding` unless the reply's code is among the legal ones.

    `code` is a code, a class written as `"2yz"` or `"25z"`, or several of those; `why` names the reason,
    preferably the section.
    """
    legal = (code,) if isinstance(code, int | str) else tuple(code)
    if not any(_code_matches(reply.code, one) for one in legal):
        because = f" ({why})" if why else ""
        expected = " or ".join(str(one) for one in legal)
        raise Finding(f"a reply with code {expected}{because}", show(reply.octets))


def verify_ok(response: Pop3Response | ImapResult, why: str = "") -> None:
    """Raise a `Finding` unless a POP3 response is `+OK`, or an IMAP command ended with OK."""
    because = f" ({why})" if why else ""
    if _is_imap(response):
        _verify_kind(response, frozenset({"OK"}), because)
    elif not getattr(response, "ok", False):
        raise Finding(f"+OK{because}", show(getattr(response, "octets", response)))


def verify_refused(
    response: SmtpReply | Pop3Response | ImapResult,
    why: str = "",
    *,
    kinds: Collection[str] = ("NO", "BAD"),
) -> None:
    """Raise a `Finding` unless the answer refuses: 4yz or 5yz, `-ERR`, or one of `kinds` in IMAP."""
    because = f" ({why})" if why else ""
    if _is_imap(response):
        _verify_kind(response, frozenset(kinds), because)
    elif isinstance(code := getattr(response, "code", None), int):
        if code // 100 not in {4, 5}:
            raise Finding(f"a refusal, 4yz or 5yz{because}", show(getattr(response, "octets", response)))
    elif getattr(response, "ok", True):
        raise Finding(f"-ERR{because}", show(getattr(response, "octets", response)))


def verify_raises(
    expected_error: type[Exception], action: Callable[[], object], *, expected: str, actual: str
) -> None:
    """Raise a `Finding` unless `action` ends with `expected_error`, as a connection that must close does."""
    try:
        action()
    except expected_error:
        return
    raise Finding(expected, actual)


def _is_imap(response: object) -> bool:
    return hasattr(response, "tagged")


def _verify_kind(result: object, kinds: frozenset[str], because: str) -> None:
    tagged = getattr(result, "tagged", None)
    kind = getattr(tagged, "kind", None)
    word = str(getattr(kind, "value", kind))
    if word not in kinds:
        raise Finding(f"a tagged {' or '.join(sorted(kinds))}{because}", show(tagged))


def _code_matches(code: int, legal: int | str) -> bool:
    if isinstance(legal, int):
        return code == legal
    digits = legal.rstrip("xyz")
    if not digits.isdigit() or len(legal) != 3:
        message = f'a reply code is an int, or a class such as "2yz" or "25z", not {legal!r}'
        raise ValueError(message)
    return str(code).startswith(digits)


def _first_difference(expected: bytes, actual: bytes) -> str:
    pairs = enumerate(zip(expected, actual, strict=False))
    offset = next((index for index, (one, other) in pairs if one != other), min(len(expected), len(actual)))
    start = max(0, offset - 20)
    return (
        f"first difference at octet {offset} of {len(expected)}: expected "
        f"{expected[start : offset + 40]!r}, got {actual[start : offset + 40]!r}"
    )
