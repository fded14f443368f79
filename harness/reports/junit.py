"""The run as JUnit XML, as CI services read it: a test suite per RFC, the evidence in a failure's text."""

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from harness.conformance.events import CheckFinished, Event, RunFinished, RunStarted
from harness.conformance.evidence import CheckResult, Teeth
from harness.conformance.outcomes import fails
from harness.conformance.text import result_text
from harness.vocabulary.judging import Outcome

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SKIPPED = frozenset({Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Outcome.WAIVED})


class JUnitReport:
    """Listens to a run, and writes it down at its end, also when it was interrupted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started: RunStarted | None = None
        self._results: list[CheckResult] = []

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case RunStarted():
                self._started = event
            case CheckFinished(result):
                self._results.append(result)
            case RunFinished() if self._started is not None:
                root = _document(self._started, self._results, event)
                ElementTree.indent(root)
                ElementTree.ElementTree(root).write(self._path, encoding="utf-8", xml_declaration=True)
            case _:
                pass


def _document(started: RunStarted, results: list[CheckResult], finished: RunFinished) -> ElementTree.Element:
    root = ElementTree.Element("testsuites", name="mailproof", time=f"{finished.seconds:.3f}")
    groups: dict[str, list[CheckResult]] = {}
    for result in results:
        groups.setdefault(result.info.folder, []).append(result)
    for folder, members in sorted(groups.items()):
        root.append(_suite(folder, members, started))
    if finished.problem:
        suite = ElementTree.SubElement(root, "testsuite", name="run", tests="1", errors="1", failures="0")
        case = ElementTree.SubElement(suite, "testcase", classname="mailproof", name="run", time="0")
        ElementTree.SubElement(case, "error", message=_clean(finished.problem))
    return root


def _suite(folder: str, results: list[CheckResult], started: RunStarted) -> ElementTree.Element:
    cases = [_case(result, strict=started.strict) for result in results]
    suite = ElementTree.Element(
        "testsuite",
        name=folder,
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped=_count(cases, "skipped"),
        time=f"{sum(result.seconds for result in results):.3f}",
        timestamp=started.started.isoformat(timespec="seconds"),
        hostname=_clean(started.target),
    )
    suite.extend(cases)
    return suite


def _count(cases: Iterable[ElementTree.Element], kind: str) -> str:
    return str(sum(case.find(kind) is not None for case in cases))


def _case(result: CheckResult, *, strict: bool) -> ElementTree.Element:
    info = result.info
    case = ElementTree.Element("testcase", classname=info.folder, name=info.id, time=f"{result.seconds:.3f}")
    text = _clean(result_text(result))
    kind, message = _kind(result, strict=strict)
    if kind:
        detail = ElementTree.SubElement(case, kind, message=_clean(message), type=result.outcome.value)
        detail.text = text
    elif result.outcome in {Outcome.DEVIATES, Outcome.OBSERVED}:
        ElementTree.SubElement(case, "system-out").text = text
    return case


def _kind(result: CheckResult, *, strict: bool) -> tuple[str, str]:
    """Return the element that this outcome is written as, if any, and its message."""
    evidence = result.evidence
    message = evidence.reason or f"expected {evidence.expected}; got {evidence.actual}"
    if result.teeth is Teeth.TOOTHLESS:
        return "failure", f"TOOTHLESS: did not notice {result.refutation}"
    if result.teeth is Teeth.REFUTED:
        return "", ""
    if result.teeth is Teeth.UNPROVEN or result.outcome in _SKIPPED:
        return "skipped", message
    if result.outcome is Outcome.ERROR:
        return "error", message
    return ("failure", message) if fails(result.outcome, strict=strict) else ("", "")


def _clean(text: str) -> str:
    """Return the text without what XML 1.0 cannot carry; dialogues have such octets escaped already."""
    return _NOT_IN_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
