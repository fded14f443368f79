"""What an IMAP command came to: the tagged response and what came with it."""

from dataclasses import dataclass, field
from typing import TypeVar

from harness.vocabulary.imap import Condition
from harness.wire.imap import (
    AppendUid,
    CopyUid,
    Data,
    ESearch,
    Response,
    ResponseCode,
    SearchData,
    SortData,
    Status,
    Value,
)

V = TypeVar("V", bound=Value)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to: the tagged response, and all that came before it since the last one."""

    tagged: Status
    untagged: tuple[Response, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """The command was carried out."""
        return self.tagged.kind is Condition.OK

    @property
    def no(self) -> bool:
        """The command was refused."""
        return self.tagged.kind is Condition.NO

    @property
    def bad(self) -> bool:
        """The command was not understood, or not legal in this state."""
        return self.tagged.kind is Condition.BAD

    @property
    def kind(self) -> Condition:
        """OK, NO or BAD."""
        return self.tagged.kind

    @property
    def codes(self) -> tuple[ResponseCode, ...]:
        """Every response code: first the tagged response's, then those of untagged ones as they came."""
        statuses = (self.tagged, *(response for response in self.untagged if isinstance(response, Status)))
        return tuple(status.code for status in statuses if status.code is not None)

    def code(self, name: bytes | str) -> ResponseCode | None:
        """The first response code of that name, in the tagged response or an untagged one."""
        wanted = (name.encode("ascii") if isinstance(name, str) else name).upper()
        return next((code for code in self.codes if code.name == wanted), None)

    def all(self, kind: type[V]) -> list[V]:
        """The data of that kind, as `result.all(FetchData)`, in the order received."""
        values = (response.value for response in self.untagged if isinstance(response, Data))
        return [value for value in values if isinstance(value, kind)]

    def first(self, kind: type[V]) -> V | None:
        """The first data of that kind."""
        return next(iter(self.all(kind)), None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """What SEARCH found: of SEARCH and ESEARCH responses, all numbers as they came."""
        found: list[int] = []
        for response in self.untagged:
            if isinstance(response, Data) and response.name in {b"SEARCH", b"ESEARCH", b"SORT"}:
                value = response.value
                if isinstance(value, SearchData | SortData | ESearch):
                    found += value.numbers
        return tuple(found)

    @property
    def append_uid(self) -> AppendUid | None:
        """The argument of the APPENDUID code."""
        code = self.code(b"APPENDUID")
        return code.append_uid if code is not None else None

    @property
    def copy_uid(self) -> CopyUid | None:
        """The arguments of the COPYUID code; MOVE sends it untagged (RFC 6851 §4.3)."""
        code = self.code(b"COPYUID")
        return code.copy_uid if code is not None else None

    @property
    def octets(self) -> bytes:
        """Everything as it was received."""
        return b"".join(response.octets for response in (*self.untagged, self.tagged))
