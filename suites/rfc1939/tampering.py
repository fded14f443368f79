"""Refutations that know POP3: what is wrong while a certain command is answered, in POP3 connections only."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.transport.tamper import Rewrite, Rewrites, Tamperer

_GREETING = re.compile(rb"\+OK|-ERR")


class While:
    """Rewrites what passes while a line that matches `command` is the last that the client sent.

    `command` is a regular expression for the beginning of what one `send` brings, in any letter case.
    """

    def __init__(self, command: bytes, *rewrites: Rewrite) -> None:
        self.command = re.compile(command, re.IGNORECASE)
        self.rewrites = Rewrites(*rewrites)

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _While(self)


class _Pop3Tamperer:
    """Leaves connections alone that do not begin as POP3 does."""

    def __init__(self) -> None:
        self._is_pop3: bool | None = None

    def from_client(self, octets: bytes) -> bytes:
        return self.change_command(octets) if self._is_pop3 else octets

    def from_server(self, octets: bytes) -> bytes:
        if self._is_pop3 is None:
            self._is_pop3 = _GREETING.match(octets) is not None
            return octets
        return self.change_response(octets) if self._is_pop3 else octets

    def change_command(self, octets: bytes) -> bytes:
        return octets

    def change_response(self, octets: bytes) -> bytes:
        return octets


class _While(_Pop3Tamperer):
    def __init__(self, script: While) -> None:
        super().__init__()
        self._command = script.command
        self._inner = script.rewrites.open()
        self._active = False

    def change_command(self, octets: bytes) -> bytes:
        self._active = self._command.match(octets) is not None
        return self._inner.from_client(octets) if self._active else octets

    def change_response(self, octets: bytes) -> bytes:
        return self._inner.from_server(octets) if self._active else octets


class After:
    """Behaves like `script`, but only once a line that begins with `command` has been sent."""

    def __init__(self, command: bytes, script: While) -> None:
        self.command = re.compile(command, re.IGNORECASE)
        self.script = script

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _After(self)


class _After(_Pop3Tamperer):
    def __init__(self, script: After) -> None:
        super().__init__()
        self._command = script.command
        self._inner = _While(script.script)
        self._begun = False

    def change_command(self, octets: bytes) -> bytes:
        if self._begun:
            return self._inner.change_command(octets)
        self._begun = self._command.match(octets) is not None
        return octets

    def change_response(self, octets: bytes) -> bytes:
        return self._inner.change_response(octets) if self._begun else octets


def answered(command: bytes, first_line: bytes) -> While:
    """A server whose answer to `command` is `first_line`, whatever it would have been."""
    return While(command, Rewrite.from_server(rb"\A(?:\+OK|-ERR)[^\r]*", first_line))


def taken_for(command: bytes, other: bytes) -> While:
    """A server that carries out `other`, a template as of `re.sub`, where `command` is sent."""
    return While(command, Rewrite.from_client(rb"\A" + command + rb"(?=\r\n)", other))


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """A server that gives its first answer to a command line once more whenever the line comes again."""

    command: bytes

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _FirstAnswer(re.compile(self.command, re.IGNORECASE))


class _FirstAnswer(_Pop3Tamperer):
    def __init__(self, command: re.Pattern[bytes]) -> None:
        super().__init__()
        self._command = command
        self._asked = b""
        self._answers: dict[bytes, bytes] = {}

    def change_command(self, octets: bytes) -> bytes:
        self._asked = octets if self._command.match(octets) else b""
        return octets

    def change_response(self, octets: bytes) -> bytes:
        return self._answers.setdefault(self._asked, octets) if self._asked else octets


class BySession:
    """Rewrites by `rewrites_of(number)`, where `number` counts the POP3 connections from 0."""

    def __init__(self, rewrites_of: Callable[[int], While]) -> None:
        self.rewrites_of = rewrites_of
        self.sessions = 0

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _BySession(self)


class _BySession(_Pop3Tamperer):
    def __init__(self, script: BySession) -> None:
        super().__init__()
        self._script = script
        self._inner: Tamperer | None = None

    def from_server(self, octets: bytes) -> bytes:
        passing = super().from_server(octets)
        if self._is_pop3 and self._inner is None:
            self._inner = self._script.rewrites_of(self._script.sessions).open()
            self._inner.from_server(octets)
            self._script.sessions += 1
        return passing

    def change_command(self, octets: bytes) -> bytes:
        return self._inner.from_client(octets) if self._inner is not None else octets

    def change_response(self, octets: bytes) -> bytes:
        return self._inner.from_server(octets) if self._inner is not None else octets


@dataclass(frozen=True, slots=True)
class PerSend:
    """A server that carries out `change` of what it gets with one packet."""

    change: Callable[[bytes], bytes]

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _PerSend(self.change)


class _PerSend(_Pop3Tamperer):
    def __init__(self, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._change = change

    def change_command(self, octets: bytes) -> bytes:
        return self._change(octets)
