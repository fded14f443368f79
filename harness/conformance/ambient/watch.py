"""Listens to what all checks say and hear, and judges it by the ambient rules."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness.catalogue import Catalogue, Requirement
from harness.conformance.ambient.rule import Breach, Conversation, Rule
from harness.conformance.evidence import CaseResult, CheckInfo, Evidence
from harness.conformance.outcomes import of_finding, of_no_finding
from harness.conformance.subject import Heard, Subject
from harness.vocabulary.judging import Outcome

_MOST_NAMED = 5


@dataclass(slots=True)
class _Record:
    """What came of one rule so far."""

    judged: int = 0
    first: Evidence | None = None
    """The first breach."""
    during: dict[str, None] = field(default_factory=dict)
    """The checks in whose conversations it was broken."""


class Watch:
    """The ambient rules of a run, in one process; those whose requirements the catalogue has."""

    def __init__(
        self, rules: Sequence[Rule], catalogue: Catalogue, replay: Callable[[str, str], str]
    ) -> None:
        self._rules: list[tuple[Rule, CheckInfo, _Record]] = []
        for rule in rules:
            entry = catalogue.find(rule.id)
            if entry is not None:
                self._rules.append((rule, _info(rule, entry, catalogue), _Record()))
        self._replay = replay
        """Makes the command line that holds such a conversation again, of a check's id and a rule's."""
        self._check = ""

    @property
    def infos(self) -> list[CheckInfo]:
        """Return the rules as the checks that they are."""
        return [info for _, info, _ in self._rules]

    def keep(self, ids: Collection[str]) -> None:
        """Judge by these rules only."""
        self._rules = [known for known in self._rules if known[1].id in ids]

    @contextmanager
    def during(self, check_id: str, subject: Subject) -> Iterator[None]:
        """Judge what is said in the context, by this check."""
        if not self._rules:
            yield
            return
        subject.listen(self.hear)
        subject.forget()
        self._check = check_id
        try:
            yield
            subject.forget()
        finally:
            self._check = ""

    def hear(self, conversations: Sequence[Heard]) -> None:
        """Judge what was said since the last time."""
        if not self._check:
            return
        for heard in conversations:
            if heard.is_whole:
                self._judge(heard)

    def _judge(self, heard: Heard) -> None:
        conversation = Conversation(heard.service, heard.transcript)
        for rule, _, record in self._rules:
            if heard.service not in rule.services:
                continue
            record.judged += 1
            breach = next(rule.breaches(conversation), None)
            if breach is None:
                continue
            record.during.setdefault(self._check)
            if record.first is None:
                record.first = self._evidence(rule, breach, heard)

    def _evidence(self, rule: Rule, breach: Breach, heard: Heard) -> Evidence:
        return Evidence(
            expected=breach.expected,
            actual=breach.actual,
            dialogues=(heard.shown(),),
            replay=self._replay(self._check, rule.id),
        )

    def results(self) -> list[tuple[CheckInfo, CaseResult]]:
        """Return what came of each rule."""
        return [(info, _result(info, record)) for _, info, record in self._rules]


def _info(rule: Rule, entry: Requirement, catalogue: Catalogue) -> CheckInfo:
    return CheckInfo(
        id=rule.id,
        title=rule.title,
        level=entry.level,
        statement=entry.statement,
        source=entry.source,
        group=rule.group,
        also=tuple(twin for twin in rule.also if catalogue.find(twin) is not None),
    )


def _result(info: CheckInfo, record: _Record) -> CaseResult:
    if record.first is not None:
        names = list(record.during)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        note = f"seen during {', '.join(names[:_MOST_NAMED])}{more}"
        evidence = Evidence(
            expected=record.first.expected,
            actual=record.first.actual,
            note=note,
            dialogues=record.first.dialogues,
            replay=record.first.replay,
        )
        return CaseResult(of_finding(info.level), 0.0, 0, evidence)
    if not record.judged:
        reason = f"no conversation was held that it is about ({info.group}); select checks that hold one"
        return CaseResult(Outcome.UNSUPPORTED, 0.0, 0, Evidence(reason=reason))
    evidence = Evidence(note=f"judged on {record.judged} conversations")
    return CaseResult(of_no_finding(info.level), 0.0, 0, evidence)
