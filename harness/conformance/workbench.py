"""The real bench: a mail server from a target file, tampered connections, reference servers with faults."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

from harness.conformance.bench import Preflight, Share
from harness.conformance.declaration import Requires
from harness.conformance.evidence import ASIDE, Dialogue
from harness.conformance.lifeline import services_of
from harness.conformance.options import RunOptions
from harness.conformance.secrets import Secrets
from harness.conformance.subject import Heard, Hearing, Subject, dialogue_of
from harness.peers.faults import fault_factory
from harness.peers.faults.faultless import Faultless
from harness.targets.embedded import embedded_target
from harness.targets.file import Endpoint, TargetFile
from harness.targets.greylisting import greylisting, was_turned_away
from harness.targets.loader import load_target
from harness.targets.recorder import Dialogue as Spoken
from harness.targets.target import Target
from harness.transport.interpose import InterposerFactory
from harness.transport.tamper import Fault, Refutation, Script
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.faults import PROXY_FAULTS
from harness.vocabulary.services import Service, Tls

_PROBE_TIMEOUT_S = 5.0
_MOST_DIALOGUES = 8
_FAULT_ACCOUNTS = 6
_MOST_FAULT_SERVERS = 48
"""They are started when first asked for; one takes about 50 MB."""


class ServerSubject:
    """A running mail server as a run sees it."""

    def __init__(self, file: TargetFile, share: Share = Share()) -> None:  # noqa: B008 - frozen
        self.target = Target(file, worker=(share.index, share.count))
        self._probe = Target(file, worker=self.target.worker)
        """For plain exchanges beside the checks: never tampered with, never recorded."""
        self._hearing: Hearing | None = None
        self._greylisting: str | None = None
        self._asker: Target | None = None
        """The same in a hurry, for as long as the server is only asked whether it is there."""
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
        asker = self._in_a_hurry()
        services = {asker.file.player(one) for one in services_of(needs)}
        for endpoint in asker.file.endpoints:
            if endpoint.service in services or not services:
                problem = _exchange(asker, endpoint)
                if problem is not None:
                    return problem
        return None

    def be_patient(self, patient: bool) -> None:
        """Wait the whole time for each reply, or as the server's pace suggests."""
        self.target.pace.patient = patient

    def hindrance(self) -> str | None:
        """Return that the server greylists, where that has turned the check's mail away."""
        if not was_turned_away(self.target.recorder.dialogues()):
            return None
        if self._greylisting is None:
            self._greylisting = greylisting(self._in_a_hurry())
        return self._greylisting

    def remarks(self) -> tuple[str, ...]:
        """Return what the server did against too many connections and wrong passwords."""
        return self.target.remarks()

    def forget(self) -> None:
        """Begin a new record of what is said, after telling who listens what was said until now."""
        if self._hearing is not None:
            self._hearing([self._heard(spoken) for spoken in self.target.recorder.dialogues()])
        self.target.recorder.begin()

    def listen(self, hearing: Hearing) -> None:
        """Let `hearing` be told what was said, whenever it is about to be forgotten."""
        self._hearing = hearing

    def _heard(self, spoken: Spoken) -> Heard:
        return Heard(
            spoken.service,
            spoken.transcript,
            is_whole=not (
                spoken.continued or spoken.transcript.dropped_octets or self.target.is_tampered_with
            ),
            shown=lambda: self._shown(spoken),
        )

    def _shown(self, spoken: Spoken) -> Dialogue:
        """Return a dialogue as evidence, with nothing secret in it."""
        label = _label(spoken.service, spoken.peer, own=spoken.provisioning)
        return dialogue_of(label, spoken.transcript.changed_by(self._secrets.hide))

    def dialogues(self) -> tuple[Dialogue, ...]:
        """Return what was said since then; the last ones, the check's own after the harness's."""
        return tuple(self._shown(spoken) for spoken in self.target.recorder.dialogues()[-_MOST_DIALOGUES:])

    def preflight(self) -> Preflight:
        """Try every service, then one login of each kind: what fails here would fail in every check."""
        endpoints = self._probe.file.endpoints
        problems = tuple(problem for endpoint in endpoints if (problem := _exchange(self._probe, endpoint)))
        answering = len(endpoints) - len(problems)
        fatal = self._try_logins() if answering else None
        greylists = greylisting(self._probe) if answering else None
        notes = [f"{greylists}; what needs mail from elsewhere is inconclusive"] if greylists else []
        return Preflight(answering, problems, fatal, (*notes, *self._probe.remarks()))

    def close(self) -> None:
        """Close all connections."""
        self.target.close()
        self._probe.close()
        if self._asker is not None:
            self._asker.close()

    def _in_a_hurry(self) -> Target:
        """Return the target with less time for each reply, as far as its pace allows."""
        timeout_s = self.target.pace.at_least(_PROBE_TIMEOUT_S)
        if self._asker is None or self._asker.reply_timeout_s < timeout_s:
            if self._asker is not None:
                self._asker.close()
            file = self.target.file
            limits = replace(file.limits, reply_timeout_s=timeout_s)
            self._asker = Target(replace(file, limits=limits), worker=self.target.worker)
        return self._asker

    def _try_logins(self) -> str | None:
        probe = self._probe
        account = next((account for account in probe.accounts if account.password is not None), None)
        if account is None:
            return None
        ways: dict[str, Callable[[], AbstractContextManager[object]]] = {}
        if self._has(Service.SUBMISSION, Service.SUBMISSIONS):
            ways["submission"] = lambda: probe.submission(account)
        if self._has(Service.IMAP, Service.IMAPS):
            ways["imap"] = lambda: probe.imap(account)
        if self._has(Service.POP3, Service.POP3S):
            ways["pop3"] = lambda: probe.pop3(account)
        problems = []
        for service, log_in in ways.items():
            try:
                with log_in():
                    pass
            except MailproofError as error:
                said = str(error)
                problems.append(said if said.startswith(service) else f"{service}: {said}")
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
        """Give the target with the refutation in its connections, or the reference server with the fault.

        A fault that can be put between a client and any server is put before the target.
        """
        put: Script | InterposerFactory
        match refutation:
            case Fault(name) if name in PROXY_FAULTS:
                put = fault_factory(name)
            case Fault(name):
                yield self._with_fault(name)
                return
            case _:
                put = refutation
        with self._subject.target.with_refutation(put):
            yield self._subject

    @contextmanager
    def watched(self) -> Iterator[Subject]:
        """Give the target with the fault proxy's readers in its connections, which change nothing."""
        with self._subject.target.with_refutation(Faultless()):
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


def _exchange(probe: Target, endpoint: Endpoint) -> str | None:
    """Connect, be greeted, start TLS if offered, say good-bye; what went wrong, if anything."""
    service = endpoint.service
    tls = True if endpoint.tls is Tls.STARTTLS else None
    client: AbstractContextManager[object]
    try:
        match service:
            case Service.SMTP | Service.SUBMISSION | Service.SUBMISSIONS:
                client = probe.smtp(service, tls=tls)
            case Service.LMTP:
                client = probe.lmtp()
            case Service.POP3 | Service.POP3S:
                client = probe.pop3(login=False, tls=tls, service=service)
            case Service.IMAP | Service.IMAPS:
                client = probe.imap(login=False, tls=tls, service=service)
        with client:
            pass
    except MailproofError as error:
        return f"{service}: {error}"
    return None


def _label(service: Service, peer: str, *, own: bool) -> str:
    return f"{service} {peer}{ASIDE if own else ''}"
