"""The run as JUnit XML, as GitHub, GitLab and Jenkins read it: a suite per RFC, evidence as text.

Elements and attributes are those that `junit-10.xsd` of Jenkins' xUnit plugin allows, which is the strictest
of the readers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree

from harness.conformance.evidence import CheckInfo, CheckResult, Teeth
from harness.conformance.outcomes import fails
from harness.conformance.text import result_text
from harness.reports.run import Run
from harness.reports.summary import troubles
from harness.vocabulary.judging import Outcome

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SKIPPED = frozenset({Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Outcome.WAIVED})
_LONGEST_MESSAGE = 500
_TOTALS = ("tests", "failures", "errors")


def junit_report(run: Run) -> str:
    """Return the document."""
    root = ElementTree.Element("testsuites", name="mailproof")
    root.extend(_suites(run))
    for total in _TOTALS:
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("time", _time(run.end.seconds))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suites(run: Run) -> Iterator[ElementTree.Element]:
    """Yield a suite for each RFC, and one for what is wrong with the run itself."""
    infos = {info.id: info for info in run.started.checks}
    groups: dict[str, list[ElementTree.Element]] = {}
    seconds: dict[str, float] = {}
    for result in run.results:
        folder = result.info.folder
        groups.setdefault(folder, []).append(_case(result, strict=run.started.strict))
        seconds[folder] = seconds.get(folder, 0.0) + result.seconds
    for info in (infos[key] for key in run.unfinished if key in infos):
        groups.setdefault(info.folder, []).append(_unfinished_case(info))
    for folder, cases in sorted(groups.items()):
        yield _suite(folder, cases, seconds.get(folder, 0.0), run)
    if cases := list(_cases_of_run(run)):
        yield _suite("run", cases, 0.0, run)


def _suite(name: str, cases: list[ElementTree.Element], seconds: float, run: Run) -> ElementTree.Element:
    started = run.started
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=_count(cases, "failure"),
        errors=_count(cases, "error"),
        skipped=_count(cases, "skipped"),
        time=_time(seconds),
        timestamp=started.started.isoformat(timespec="seconds"),
        hostname=_clean(started.target),
    )
    properties = {
        "mailproof.version": started.version,
        "mailproof.target_file": started.target_file,
        "mailproof.depth": started.depth,
        "mailproof.seed": str(started.seed),
        "mailproof.strict": str(started.strict).lower(),
        "mailproof.refute": str(started.refute).lower(),
    }
    suite.append(_properties(properties))
    suite.extend(cases)
    return suite


def _properties(values: Mapping[str, str]) -> ElementTree.Element:
    element = ElementTree.Element("properties")
    for name, value in values.items():
        ElementTree.SubElement(element, "property", name=name, value=_clean(value))
    return element


def _count(cases: Iterable[ElementTree.Element], kind: str) -> str:
    return str(sum(case.find(kind) is not None for case in cases))


def _case(result: CheckResult, *, strict: bool) -> ElementTree.Element:
    case = _testcase(result.info, result.seconds)
    text = _clean(result_text(result))
    kind, message = _kind(result, strict=strict)
    if kind:
        detail = ElementTree.SubElement(case, kind, message=_message(message), type=result.outcome.value)
        detail.text = text
    elif result.outcome in {Outcome.DEVIATES, Outcome.OBSERVED} and result.teeth is None:
        ElementTree.SubElement(case, "system-out").text = text
    return case


def _unfinished_case(info: CheckInfo) -> ElementTree.Element:
    """Return the case of a check that had begun when the run was broken off."""
    case = _testcase(info, 0.0)
    ElementTree.SubElement(case, "error", message="the run was broken off during this check", type="error")
    return case


def _testcase(info: CheckInfo, seconds: float) -> ElementTree.Element:
    """Return a case that is found by its id; Jenkins takes what precedes the class's dot for a package."""
    classname = f"mailproof.{info.folder}"
    return ElementTree.Element("testcase", classname=classname, name=info.id, time=_time(seconds))


def _cases_of_run(run: Run) -> Iterator[ElementTree.Element]:
    """Yield a case for whatever makes the run fail, or say less than it should, beyond its checks."""
    for kind, lines in (
        ("error", tuple(troubles(run))),
        ("failure", run.end.waiver_notes if run.started.strict else ()),
    ):
        for line in lines:
            case = ElementTree.Element("testcase", classname="mailproof.run", name=_message(line), time="0")
            ElementTree.SubElement(case, kind, message=_message(line), type="run").text = _clean(line)
            yield case


def _kind(result: CheckResult, *, strict: bool) -> tuple[str, str]:
    """Return the element that this outcome is written as, if any, and its message."""
    evidence = result.evidence
    found = f"expected {evidence.expected}; got {evidence.actual}" if evidence.expected else evidence.reason
    match result.teeth:
        case Teeth.TOOTHLESS:
            return "failure", f"TOOTHLESS: did not notice {result.refutation}"
        case Teeth.REFUTED:
            return "", ""
    if result.teeth is Teeth.UNPROVEN or result.outcome in _SKIPPED:
        return "skipped", f"{result.outcome.value}: {evidence.reason or found}"
    if result.outcome is Outcome.ERROR:
        return "error", f"{result.outcome.value}: {evidence.reason or found}"
    if fails(result.outcome, strict=strict):
        return "failure", f"{result.outcome.value}: {found}"
    return "", ""


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _message(text: str) -> str:
    """Return the text as one line of a length that lists can show."""
    line = " ".join(_clean(text).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


def _clean(text: str) -> str:
    """Return the text without what XML 1.0 cannot carry; dialogues have such octets escaped already.

    A carriage return would become a line feed when it is read (XML 1.0 §2.11), so it is escaped too.
    """
    return _NOT_IN_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text.replace("\r", "\\r"))
