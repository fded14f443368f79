"""Wraps the body of a check so that each example is recorded by itself.

Hypothesis calls the body many times and ends with the smallest input that still fails; what was recorded for
the last failing call is therefore the evidence to show.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType

from _pytest.outcomes import Skipped
from hypothesis.errors import StopTest, UnsatisfiedAssumption

from harness.conformance.evidence import Dialogue
from harness.conformance.finding import Finding, Inconclusive
from harness.conformance.subject import Subject
from harness.conformance.verify import show
from harness.targets.accounts import OutOfAccounts
from harness.targets.connections import NotServed
from harness.targets.findings import DeliveryRefused, WrongMail
from harness.targets.gate import TooManyConnections
from harness.vocabulary.errors import ConnectFailed, PeerClosed, RemoteProtocolError, ReplyTimeout, TlsFailed

_NOT_A_FAILURE = (UnsatisfiedAssumption, StopTest, Skipped)
_MOST_INPUT = 20_000
INFERRED = "inferred from a time-out: the server answered a new connection meanwhile"


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that failed."""

    error: BaseException
    input: tuple[str, ...]
    dialogues: tuple[Dialogue, ...]


class Examples:
    """The examples of one run of a check."""

    def __init__(
        self, subject: Subject, still_alive: Callable[[], str | None], *, at_most: int | None = None
    ) -> None:
        self._subject = subject
        self._still_alive = still_alive
        self._at_most = at_most
        self._said: tuple[Dialogue, ...] | None = None
        self.count = 0
        """How many were run until the first failed, or until the end."""
        self.failure: Failure | None = None
        """The last one that failed, or could not be judged."""
        self.silenced = False
        """The server answered nobody any more."""

    def wrap(
        self, body: Callable[..., object], fixtures: Collection[str], fixed: Mapping[str, object]
    ) -> Callable[..., object]:
        """Return `body` with each of its calls recorded.

        `fixtures` are names of arguments that are no input; `fixed` are inputs from parametrization.
        """

        @functools.wraps(body)
        def example(*args: object, **arguments: object) -> object:
            if self._at_most is not None and self.count >= self._at_most:
                return None
            drawn = {name: value for name, value in arguments.items() if name not in fixtures}
            with _Example(self, {**fixed, **drawn}):
                return self._translated(body, *args, **arguments)

        return example

    def begin(self) -> None:
        """Note that an example begins."""
        self._subject.forget()
        self._said = None
        if self.failure is None:
            self.count += 1

    def end(self, error: BaseException | None, inputs: Mapping[str, object]) -> None:
        """Note how the example that began has ended."""
        if isinstance(error, Inconclusive) or not (error is None or isinstance(error, _NOT_A_FAILURE)):
            literals = tuple(f"{name} = {_literal(value)}" for name, value in inputs.items())
            said = self._subject.dialogues() if self._said is None else self._said
            self.failure = Failure(error, literals, said)
        elif error is not None and self.failure is None:
            self.count -= 1

    def _translated(self, body: Callable[..., object], /, *args: object, **arguments: object) -> object:
        """Call `body`; what the peer's silence or bad grammar raised becomes a finding, or inconclusive."""
        try:
            return body(*args, **arguments)
        except RemoteProtocolError as error:
            raise Finding(error.expected, _where(error)) from error
        except (PeerClosed, ReplyTimeout) as error:
            self._said = self._subject.dialogues()
            lost = self._still_alive()
            if lost:
                self.silenced = True
                raise Inconclusive(f"the server stopped answering: {error}; then {lost}") from error
            if isinstance(error, ReplyTimeout):
                raise Finding("a reply", f"no reply: {error}", note=INFERRED) from error
            raise Finding("an open connection", f"closed by the server: {error}") from error
        except DeliveryRefused as error:
            raise Inconclusive(f"an ordinary message could not be put in place: {error}") from error
        except WrongMail as error:
            raise Finding(error.expected, error.actual) from error
        except (NotServed, OutOfAccounts, TooManyConnections) as error:
            raise Inconclusive(str(error)) from error
        except ConnectFailed as error:
            self.silenced = True
            raise Inconclusive(f"no connection: {error}") from error
        except TlsFailed as error:
            raise Inconclusive(f"no TLS: {error}") from error


class _Example:
    """One call of a check's body; notes how it ended and lets every exception pass."""

    def __init__(self, examples: Examples, inputs: Mapping[str, object]) -> None:
        self._examples = examples
        self._inputs = inputs

    def __enter__(self) -> None:
        self._examples.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._examples.end(error, self._inputs)


def _where(error: RemoteProtocolError) -> str:
    return f"{show(error.octets)} (stopped at octet {error.offset})"


def _literal(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_INPUT else f"{text[:_MOST_INPUT]}... ({len(text)} characters)"
