"""Measuring one step of a dialogue: one request event, whatever happens, and no talking on to a dead session.

Locust's own `events.request.measure` records an exception and swallows it, so that the task goes on over a
session that has ended, and every further step fails for the first one's reason. Here a failure is recorded
once, the session is mended or ended, and the act is given up (`Abandoned`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from harness.clients.imap_session import Result
from harness.vocabulary.errors import MailproofError, RemoteProtocolError, TransportError
from harness.wire import pop3, smtp


class StepFailed(Exception):
    """A step came to nothing; the text is its key in the statistics, so it holds codes, never free text."""


class Refusal(StepFailed):
    """The server said no in the protocol's way; the session goes on."""


class WrongReply(StepFailed):
    """The server said something that it may not say here, however fast."""


class Abandoned(Exception):
    """The step was recorded as a failure, and the act cannot go on."""


class Session(Protocol):
    """What has to be put in order when a step fails."""

    def recover(self) -> None:
        """Bring the session back to where an act can begin, after a refusal."""
        ...

    def end(self) -> None:
        """Close the session without a word; the next act opens another."""
        ...


class Hook(Protocol):
    """A Locust event."""

    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None:
        """Call the listeners."""
        ...


class Events(Protocol):
    """The events of a Locust environment, as far as they are used here."""

    @property
    def request(self) -> Hook:
        """Fired once for each step."""
        ...


class Environment(Protocol):
    """A Locust environment, as far as it is used here."""

    @property
    def events(self) -> Events:
        """Its events."""
        ...


class Step:
    """The step that is being measured: give it every reply, and it says when one is wrong."""

    def __init__(self) -> None:
        self.octets = 0
        """Octets received."""

    def reply(self, reply: smtp.Reply, code: int) -> smtp.Reply:
        """Demand an SMTP or LMTP reply with exactly this code."""
        self.octets += len(reply.octets)
        if reply.code == code:
            return reply
        words = f"{reply.code} {reply.enhanced}" if reply.enhanced else str(reply.code)
        if reply.is_positive:
            raise WrongReply(f"{words} instead of {code}")
        raise Refusal(words)

    def response(self, response: pop3.Response) -> pop3.Response:
        """Demand +OK."""
        self.octets += len(response.octets)
        if not response.ok:
            raise Refusal(f"-ERR [{response.code}]" if response.code else "-ERR")
        return response

    def result(self, result: Result) -> Result:
        """Demand the tagged OK of an IMAP command."""
        self.octets += sum(len(response.octets) for response in result.untagged) + len(result.tagged.octets)
        if not result.ok:
            code = result.tagged.code
            words = (
                result.kind.value
                if code is None
                else f"{result.kind.value} [{code.name.decode('ascii', 'replace')}]"
            )
            raise Refusal(words)
        return result

    def wrong(self, what: str) -> NoReturn:
        """Fail the step: the reply is well formed and untrue. `what` is a fixed phrase without figures."""
        raise WrongReply(what)


@contextmanager
def measured(environment: Environment, protocol: str, name: str, session: Session) -> Iterator[Step]:
    """Measure the block as one request, named `protocol name`.

    A refusal, a wrong reply, a broken connection or a breach of the grammar is recorded with a bounded key;
    then the session is mended or ended, and `Abandoned` raised. What is killed in the middle is not
    recorded: nobody knows what it would have been.
    """
    step = Step()
    clock = Clock()
    failure: Exception | None = None
    try:
        yield step
    except Abandoned:
        raise
    except (StepFailed, MailproofError) as error:
        failure = error
    except Exception as error:
        record(
            environment,
            protocol,
            name,
            clock,
            failure=StepFailed(f"mailproof itself: {type(error).__name__}"),
        )
        session.end()
        raise
    except BaseException:
        session.end()
        raise
    record(environment, protocol, name, clock, octets=step.octets, failure=failure)
    if failure is None:
        return
    if isinstance(failure, Refusal):
        _recover(session)
    else:
        session.end()
    raise Abandoned from failure


def _recover(session: Session) -> None:
    try:
        session.recover()
    except (StepFailed, MailproofError):
        session.end()


class Clock:
    """When something began: the time of day for the record, and a steady clock for the length."""

    def __init__(self) -> None:
        self.begun_at = time.time()
        self._begun = time.perf_counter()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the beginning."""
        return (time.perf_counter() - self._begun) * 1000.0


def record(
    environment: Environment,
    protocol: str,
    name: str,
    clock: Clock,
    *,
    octets: int = 0,
    failure: Exception | None = None,
) -> None:
    """Fire the request event for what began with `clock` and ends now."""
    environment.events.request.fire(
        request_type=protocol,
        name=name,
        response_time=clock.elapsed_ms,
        response_length=octets,
        exception=None if failure is None else bounded(failure),
        context={},
        start_time=clock.begun_at,
    )


def bounded(failure: Exception) -> str:
    """Return the failure as a key of which there are few, however many the failures are.

    Servers put queue ids into their texts, and the grammar's breaches hold what was received: neither may
    become a line of its own in the statistics.
    """
    kind = type(failure).__name__
    match failure:
        case RemoteProtocolError():
            return f"{kind}: expected {failure.expected[:80]}"
        case TransportError() | StepFailed():
            return f"{kind}: {failure}"
        case _:
            return kind
