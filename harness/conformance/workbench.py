"""The real bench: a mail server from a target file, tampered connections, reference servers with faults."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

from harness.conformance.bench import Preflight, Share
from harness.conformance.declaration import Requires
from harness.conformance.evidence import Dialogue
from harness.conformance.lifeline import services_of
from harness.conformance.options import RunOptions
from harness.conformance.secrets import Secrets
from harness.conformance.subject import Subject, dialogue_of
from harness.targets.embedded import embedded_target
from harness.targets.file import Endpoint, TargetFile
from harness.targets.loader import load_target
from harness.targets.target import Target
from harness.transport.tamper import Fault, Refutation
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.services import Service, Tls

_PROBE_TIMEOUT_S = 5.0
_MOST_DIALOGUES = 8
_FAULT_ACCOUNTS = 6
_MOST_FAULT_SERVERS = 2


class ServerSubject:
    """A running mail server as a run sees it."""

    def __init__(self, file: TargetFile, share: Share = Share()) -> None:  # noqa: B008 - frozen
        self.target = Target(file, worker=(share.index, share.count))
        timeout_s = min(file.limits.reply_timeout_s, _PROBE_TIMEOUT_S)
        limits = replace(file.limits, reply_timeout_s=timeout_s)
        self._probe = Target(replace(file, limits=limits), worker=(share.index, share.count))
        """For plain exchanges beside the checks: never tampered with, never recorded."""
        accounts = file.accounts.pool
        self._secrets = Secrets(word for one in accounts for word in (one.password, one.token) if word)

    def lacks(self, needs: Iterable[Requires]) -> str | None:
        """Return the first thing that the target does not offer or permit."""
        for need in sorted(needs, key=str):
            reason = self.target.lacks(need)
            if reason is not None:
                return reason
        return None

    def ask_alive(self, needs: Iterable[Requires]) -> str | None:
        """Hold a plain exchange with the services that are named in `needs`, or else with all."""
        services = services_of(needs)
        for endpoint in self._probe.file.endpoints:
            if endpoint.service in services or not services:
                problem = self._exchange(endpoint)
                if problem is not None:
                    return problem
        return None

    def forget(self) -> None:
        """Begin a new record of what is said."""
        self.target.recorder.begin()

    def dialogues(self) -> tuple[Dialogue, ...]:
        """Return what was said since then; the last ones, the check's own after the harness's."""
        return tuple(
            dialogue_of(
                _label(spoken.service, spoken.peer, own=spoken.provisioning),
                spoken.transcript.changed_by(self._secrets.hide),
            )
            for spoken in self.target.recorder.dialogues()[-_MOST_DIALOGUES:]
        )

    def preflight(self) -> Preflight:
        """Try every service, then one login of each kind: what fails here would fail in every check."""
        endpoints = self._probe.file.endpoints
        problems = tuple(problem for endpoint in endpoints if (problem := self._exchange(endpoint)))
        answering = len(endpoints) - len(problems)
        return Preflight(answering, problems, fatal=self._try_logins() if answering else None)

    def close(self) -> None:
        """Close all connections."""
        self.target.close()
        self._probe.close()

    def _exchange(self, endpoint: Endpoint) -> str | None:
        """Connect, be greeted, start TLS if offered, say good-bye; what went wrong, if anything."""
        service = endpoint.service
        tls = True if endpoint.tls is Tls.STARTTLS else None
        client: AbstractContextManager[object]
        try:
            match service:
                case Service.SMTP | Service.SUBMISSION | Service.SUBMISSIONS:
                    client = self._probe.smtp(service, tls=tls)
                case Service.LMTP:
                    client = self._probe.lmtp()
                case Service.POP3 | Service.POP3S:
                    client = self._probe.pop3(login=False, tls=tls, service=service)
                case Service.IMAP | Service.IMAPS:
                    client = self._probe.imap(login=False, tls=tls, service=service)
            with client:
                pass
        except MailproofError as error:
            return f"{service}: {error}"
        return None

    def _try_logins(self) -> str | None:
        probe = self._probe
        account = next((account for account in probe.accounts if account.password is not None), None)
        if account is None:
            return None
        ways: list[Callable[[], AbstractContextManager[object]]] = []
        if self._has(Service.SUBMISSION, Service.SUBMISSIONS):
            ways.append(lambda: probe.submission(account))
        if self._has(Service.IMAP, Service.IMAPS):
            ways.append(lambda: probe.imap(account))
        if self._has(Service.POP3, Service.POP3S):
            ways.append(lambda: probe.pop3(account))
        problems = []
        for log_in in ways:
            try:
                with log_in():
                    pass
            except MailproofError as error:
                problems.append(str(error))
        return problems[0] if problems and len(problems) == len(ways) else None

    def _has(self, *services: Service) -> bool:
        return any(self._probe.file.endpoint(service) is not None for service in services)


class Workbench:
    """The target of one process, and the servers with faults that refutations ask for."""

    def __init__(self, subject: ServerSubject) -> None:
        self._subject = subject
        self._fault_servers: dict[str, tuple[ServerSubject, ExitStack]] = {}

    @classmethod
    def open(cls, options: RunOptions, share: Share) -> "Workbench":
        """Open the target that the options name; nothing is connected yet."""
        file = load_target(options.target_file, directory=options.directory)
        return cls(ServerSubject(file, share))

    @property
    def subject(self) -> Subject:
        """The target as it is."""
        return self._subject

    def preflight(self) -> Preflight:
        """Hold a plain exchange with each service."""
        return self._subject.preflight()

    @contextmanager
    def refuted(self, refutation: Refutation) -> Iterator[Subject]:
        """Give the target with the refutation in its connections, or the reference server with the fault."""
        if isinstance(refutation, Fault):
            yield self._with_fault(refutation.name)
            return
        with self._subject.target.with_refutation(refutation):
            yield self._subject

    def close(self) -> None:
        """Close the connections and stop the servers."""
        self._subject.close()
        while self._fault_servers:
            _, (_, stack) = self._fault_servers.popitem()
            stack.close()

    def _with_fault(self, name: str) -> ServerSubject:
        """Return a server with this fault; the last few stay up, since checks of one fault come together."""
        if name not in self._fault_servers:
            while len(self._fault_servers) >= _MOST_FAULT_SERVERS:
                oldest = next(iter(self._fault_servers))
                self._fault_servers.pop(oldest)[1].close()
            with ExitStack() as stack:
                file = stack.enter_context(embedded_target(faults=[name], accounts=_FAULT_ACCOUNTS))
                subject = ServerSubject(file)
                stack.callback(subject.close)
                self._fault_servers[name] = (subject, stack.pop_all())
        return self._fault_servers[name][0]


def _label(service: Service, peer: str, *, own: bool) -> str:
    return f"{service} {peer}{', to put in place or read back' if own else ''}"
