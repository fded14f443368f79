"""Wraps the body of a check so that each example is recorded by itself.

Hypothesis calls the body many times and ends with the smallest input that still fails; what was recorded for
the last failing call is therefore the evidence to show.
"""

import functools
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType

from _pytest.outcomes import Skipped
from hypothesis import currently_in_test_context
from hypothesis.control import current_build_context
from hypothesis.errors import StopTest, UnsatisfiedAssumption

from harness.conformance.evidence import Dialogue
from harness.conformance.finding import Finding, Inconclusive, Unsupported
from harness.conformance.subject import Subject
from harness.conformance.verify import show
from harness.targets.accounts import OutOfAccounts
from harness.targets.connections import NotServed
from harness.targets.findings import DeliveryRefused, Lacking, WrongMail
from harness.targets.gate import TooManyConnections
from harness.vocabulary.errors import ConnectFailed, PeerClosed, RemoteProtocolError, ReplyTimeout, TlsFailed

_NOT_A_FAILURE = (UnsatisfiedAssumption, StopTest, Skipped)
_MOST_INPUT = 20_000
_DRAWN_LATER = " = data(...)"
"""How the literal of `st.data()` ends: what is drawn from it does not show at the beginning."""
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
        self,
        subject: Subject,
        still_alive: Callable[[], str | None],
        *,
        at_most: int | None = None,
        patient: bool = True,
        heard: Callable[[tuple[str, ...]], object] | None = None,
    ) -> None:
        self._subject = subject
        self._still_alive = still_alive
        self._at_most = at_most
        self._patient = patient
        self._silent: set[tuple[str, ...]] = set()
        """Inputs after which the whole time was waited for a reply in vain."""
        self._heard = heard
        self._inputs: Mapping[str, object] = {}
        self._waits = patient
        self._said: tuple[Dialogue, ...] | None = None
        self.count = 0
        """How many were run until the first failed, or until the end."""
        self.failure: Failure | None = None
        """The last one that failed, or could not be judged."""
        self.silenced = False
        """The server answered nobody any more."""
        self.failed_at: float | None = None
        """When the first one failed; what came after looked for a smaller one."""

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

    @property
    def _input(self) -> tuple[str, ...]:
        """The input of the example that runs, a line `name = literal` for each argument."""
        return tuple(f"{name} = {_literal(value)}" for name, value in self._inputs.items())

    def begin(self, inputs: Mapping[str, object]) -> None:
        """Note that an example begins."""
        self._subject.forget()
        self._inputs = inputs
        self._waits = self._needs_patience()
        self._subject.be_patient(self._waits)
        if self._heard is not None:
            self._heard(self._input)
        self._said = None
        if self.failure is None:
            self.count += 1

    def _needs_patience(self) -> bool:
        """Say whether the whole time has to be waited for a reply.

        The first silence is believed after that only, and so is the one that is shown in the end; what lies
        between, in looking for a smaller input, need not be waited for so long.
        """
        if not self._patient or not self._silent:
            return self._patient
        known = self._input in self._silent and not any(line.endswith(_DRAWN_LATER) for line in self._input)
        return _is_last() and not known

    def end(self, error: BaseException | None) -> None:
        """Note how the example that began has ended."""
        if isinstance(error, Inconclusive) or not (error is None or isinstance(error, _NOT_A_FAILURE)):
            said = self._subject.dialogues() if self._said is None else self._said
            self.failure = Failure(error, self._input, said)
            self.failed_at = time.monotonic() if self.failed_at is None else self.failed_at
        elif error is not None and self.failure is None:
            self.count -= 1

    def _translated(self, body: Callable[..., object], /, *args: object, **arguments: object) -> object:
        """Call `body`; what the peer's silence or bad grammar raised becomes a finding, or inconclusive."""
        try:
            return body(*args, **arguments)
        except RemoteProtocolError as error:
            raise Finding(error.expected, _where(error)) from error
        except (PeerClosed, ReplyTimeout) as error:
            raise self._of_silence(error) from error
        except (Finding, WrongMail, Inconclusive) as error:
            meaning = self._of_finding(error)
            if meaning is error:
                raise
            raise meaning from error
        except Lacking as error:
            raise Unsupported(str(error)) from error
        except (NotServed, OutOfAccounts, TooManyConnections) as error:
            raise Inconclusive(str(error)) from error
        except ConnectFailed as error:
            self.silenced = True
            raise Inconclusive(f"no connection: {error}") from error
        except TlsFailed as error:
            raise Inconclusive(f"no TLS: {error}") from error

    def _of_silence(self, error: PeerClosed | ReplyTimeout) -> Finding | Inconclusive:
        """Return what it means that the server said nothing more."""
        self._said = self._subject.dialogues()
        lost = self._still_alive()
        if lost:
            self.silenced = True
            return Inconclusive(f"the server stopped answering: {error}; then {lost}")
        if isinstance(error, ReplyTimeout):
            if self._waits:
                self._silent.add(self._input)
            return Finding("a reply", f"no reply: {error}", note=INFERRED)
        return Finding("an open connection", f"closed by the server: {error}")

    def _of_finding(self, error: Finding | WrongMail | Inconclusive) -> Finding | Inconclusive:
        """Return what it means that the check met something: what stood between may explain it."""
        hindrance = self._subject.hindrance()
        if hindrance is not None:
            return Inconclusive(hindrance)
        if isinstance(error, DeliveryRefused):
            return Inconclusive(f"an ordinary message could not be put in place: {error}")
        return Finding(error.expected, error.actual) if isinstance(error, WrongMail) else error


class _Example:
    """One call of a check's body; notes how it ended and lets every exception pass."""

    def __init__(self, examples: Examples, inputs: Mapping[str, object]) -> None:
        self._examples = examples
        self._inputs = inputs

    def __enter__(self) -> None:
        self._examples.begin(self._inputs)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._examples.end(error)


def _is_last() -> bool:
    """Say whether Hypothesis runs the smallest input that failed once more, for what is reported."""
    return currently_in_test_context() and current_build_context().is_final


def _where(error: RemoteProtocolError) -> str:
    return f"{show(error.octets)} (stopped at octet {error.offset})"


def _literal(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_INPUT else f"{text[:_MOST_INPUT]}... ({len(text)} characters)"
