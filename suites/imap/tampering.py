"""Ways in which an IMAP server can be wrong that take a memory: refutations for the IMAP checks."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.transport.tamper import Rewrite, Rewrites, Tamperer

Memory = dict[bytes, bytes]
"""What a connection's tamperer has seen."""

# The tags of our own clients, so that the octets of a literal are never taken for a command.
_COMMAND = re.compile(rb"\A(?:A[0-9]{4,}|x[0-9]+) (?:UID )?([A-Za-z]+)")
_ANNOUNCEMENT = re.compile(rb"\{([0-9]+)\}\r\n\Z")


class During:
    """Rewrites what passes while a command of one of `verbs` is the last that was sent."""

    def __init__(self, verbs: bytes, *rewrites: Rewrite) -> None:
        self.verbs = frozenset(verbs.split())
        self.rewrites = Rewrites(*rewrites)

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _During(self)


class _During:
    def __init__(self, script: During) -> None:
        self._verbs = script.verbs
        self._inner = script.rewrites.open()
        self._active = False

    def from_client(self, octets: bytes) -> bytes:
        if (command := _COMMAND.match(octets)) is not None:
            self._active = command.group(1).upper() in self._verbs
        return self._inner.from_client(octets) if self._active else octets

    def from_server(self, octets: bytes) -> bytes:
        return self._inner.from_server(octets) if self._active else octets


def answered(verbs: bytes, instead: bytes, *, of: bytes = b"OK|NO|BAD") -> During:
    """A server whose tagged answer to commands of `verbs` is `instead`, where it was one `of` these."""
    return During(verbs, Rewrite.from_server(rb"^([^*+\s]\S*) (?:" + of + rb")(?= )", rb"\1 " + instead))


def told_also(verbs: bytes, line: bytes) -> During:
    """A server that says `line` besides before it completes a command of `verbs`."""
    return During(verbs, Rewrite.from_server(rb"^(?=[^*+\s]\S* OK )", line.replace(b"\\", rb"\\") + rb"\r\n"))


def not_told(verbs: bytes, line: bytes) -> During:
    """A server that leaves untagged lines which match `line` out of its answer to commands of `verbs`."""
    return During(verbs, Rewrite.from_server(rb"^\* " + line + rb"[^\r]*\r\n", b""))


@dataclass(frozen=True, slots=True)
class Remembering:
    """Replaces what matches in the server's lines by what `replace` makes of it and of a memory.

    The memory is that of one connection.
    """

    pattern: bytes
    replace: Callable[[re.Match[bytes], Memory], bytes]

    def open(self) -> Tamperer:
        """Return a tamperer for one connection, with a fresh memory."""
        return _Remembering(self)


class _Remembering:
    def __init__(self, script: Remembering) -> None:
        self._pattern = re.compile(script.pattern, re.MULTILINE | re.DOTALL)
        self._replace = script.replace
        self._memory: Memory = {}

    def from_client(self, octets: bytes) -> bytes:
        if (command := _COMMAND.match(octets)) is not None:
            self._memory[b"verb"] = command.group(1).upper()
        return octets

    def from_server(self, octets: bytes) -> bytes:
        return self._pattern.sub(lambda found: self._replace(found, self._memory), octets)


def counted(memory: Memory, key: bytes) -> int:
    """Count one more under `key`, and return how many came before."""
    before = int(memory.get(key, b"0"))
    memory[key] = b"%d" % (before + 1)
    return before


def first_repeated(found: re.Match[bytes], memory: Memory) -> bytes:
    """Whatever is under the same first group gets the answer that this got first."""
    return memory.setdefault(found.group(1), found.group())


@dataclass(frozen=True, slots=True)
class ChangedLiterals:
    """A server whose literals are what `change` makes of them, announced with their true length."""

    change: Callable[[bytes], bytes]

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _ChangedLiterals(self.change)


class _ChangedLiterals:
    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        self._change = change
        self._held = b""

    def from_client(self, octets: bytes) -> bytes:
        return octets

    def from_server(self, octets: bytes) -> bytes:
        self._held += octets
        passing: list[bytes] = []
        while (end := self._held.find(b"\n") + 1) > 0:
            line = self._held[:end]
            announced = _ANNOUNCEMENT.search(line)
            if announced is None:
                passing.append(line)
                self._held = self._held[end:]
                continue
            whole = end + int(announced.group(1))
            if len(self._held) <= whole:
                break
            literal = self._change(self._held[end:whole])
            passing.append(line[: announced.start()] + b"{%d}\r\n" % len(literal) + literal)
            self._held = self._held[whole:]
        return b"".join(passing)
