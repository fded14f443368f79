"""Search programs taken apart into their keys (RFC 3501 §6.4.4), so that a fault can change one."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.peers.faults.imap.syntax import inner, words

_ARGUMENTS = dict.fromkeys(
    (
        b"BCC BEFORE BODY CC FROM KEYWORD LARGER ON SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT "
        b"TO UID UNKEYWORD OLDER YOUNGER MODSEQ"
    ).split(),
    1,
) | {b"HEADER": 2}
_KEYS = {b"NOT": 1, b"OR": 2}
_MOST_LEVELS = 200
_LIST = b"("


@dataclass(frozen=True, slots=True)
class Key:
    """A search key with what belongs to it."""

    word: bytes
    """As the client wrote it; `(` for keys in parentheses."""
    arguments: tuple[bytes, ...] = ()
    keys: tuple["Key", ...] = ()

    @property
    def name(self) -> bytes:
        """The word in upper case."""
        return self.word.upper()

    @property
    def octets(self) -> bytes:
        """The key as on the wire."""
        if self.word == _LIST:
            return b"(" + b" ".join(key.octets for key in self.keys) + b")"
        return b" ".join([self.word, *self.arguments, *(key.octets for key in self.keys)])


KeyChange = Callable[[Key], Key]


def all_of(*keys: Key) -> Key:
    """Keys in parentheses: all have to match."""
    return Key(_LIST, keys=keys)


def keys_of(program: bytes) -> list[Key]:
    """The keys that stand beside each other."""
    return _keys(deque(words(program)), 0)


def changed(keys: list[Key], change: KeyChange) -> bytes:
    """The program with each key changed, those within others first."""
    return b" ".join(_changed(key, change).octets for key in keys)


def split_program(arguments: bytes) -> tuple[list[bytes], bytes]:
    """What stands before the keys of a SEARCH (RETURN, CHARSET), and the keys."""
    pieces = words(arguments)
    before = 0
    while before < len(pieces) and pieces[before].upper() in {b"RETURN", b"CHARSET"}:
        before += 2
    return pieces[:before], b" ".join(pieces[before:])


def _keys(pieces: deque[bytes], level: int) -> list[Key]:
    keys = []
    while pieces:
        keys.append(_key(pieces, level))
    return keys


def _key(pieces: deque[bytes], level: int) -> Key:
    word = pieces.popleft()
    name = word.upper()
    if level > _MOST_LEVELS:
        return Key(word)
    if word[:1] == _LIST:
        return Key(
            _LIST, keys=tuple(_keys(deque(inner(word)), level + 1)) if word[-1:] == b")" else (Key(word),)
        )
    arguments = tuple(pieces.popleft() for _ in range(min(len(pieces), _ARGUMENTS.get(name, 0))))
    inside = tuple(_key(pieces, level + 1) for _ in range(_KEYS.get(name, 0)) if pieces)
    return Key(word, arguments, inside)


def _changed(key: Key, change: KeyChange) -> Key:
    return change(replace(key, keys=tuple(_changed(inside, change) for inside in key.keys)))
