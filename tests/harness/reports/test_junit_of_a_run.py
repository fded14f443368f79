"""JUnit XML as CI services read it: its structure, and where the evidence is found."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import sample_runs as samples
from hypothesis import given
from sample_runs import DOT, FINISHED, FOUND, HAZARD, NOOP, STARTED, result, run_of

from harness.conformance.evidence import Evidence, Teeth
from harness.reports.junit import junit_report
from harness.vocabulary.judging import Outcome

COUNTS = {"tests", "failures", "errors"}
STRUCTURE = {
    # element: (attributes that it must have, that it may have, elements that may be in it)
    "testsuites": (set(), {"name", "time", *COUNTS}, {"testsuite"}),
    "testsuite": (
        {"name", *COUNTS},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    **dict.fromkeys(("skipped", "error", "failure"), (set(), {"type", "message"}, set())),
    "system-out": (set(), set(), set()),
}
"""What `junit-10.xsd` of Jenkins' xUnit plugin says of the elements that we write."""
MIXED = {"skipped", "error", "failure", "system-out"}
TIME = re.compile(r"[0-9]+\.[0-9]{3}")


def verify_structure(element: ElementTree.Element) -> None:
    """Demand what the XSD demands."""
    must, may, inside = STRUCTURE[element.tag]
    assert must <= set(element.keys()) <= must | may, element.tag
    assert {child.tag for child in element} <= inside, element.tag
    if element.tag not in MIXED:
        assert not (element.text or "").strip()
    if element.tag in {"testsuite", "testsuites"}:
        assert TIME.fullmatch(element.get("time"))
    for child in element:
        verify_structure(child)


def verify_counts(root: ElementTree.Element) -> None:
    """Demand that the numbers are those of the cases."""
    for suite in root:
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(sum(case.find(tag) is not None for case in cases))
    for attribute in COUNTS:
        assert root.get(attribute) == str(sum(int(suite.get(attribute)) for suite in root))


@given(samples.runs)
def test_the_document_is_what_jenkins_allows_whatever_the_octets(run):
    root = ElementTree.fromstring(junit_report(run).encode())  # noqa: S314 - we wrote it
    verify_structure(root)
    verify_counts(root)
    names = [case.get("name") for case in root.iterfind("testsuite/testcase")]
    assert {one.info.id for one in run.results} <= set(names)
    for detail in root.iterfind(".//*[@message]"):
        assert "\n" not in detail.get("message")


class TestJUnit:
    def document(self, *results, **more) -> ElementTree.Element:
        return ElementTree.fromstring(junit_report(run_of(*results, **more)))  # noqa: S314 - we wrote it

    def test_suites_are_rfcs_and_failures_carry_requirement_and_dialogue(self):
        root = self.document(
            result(DOT, Outcome.VIOLATES, FOUND),
            result(NOOP, Outcome.UNSUPPORTED, Evidence(reason="no imap")),
            result(HAZARD, Outcome.ERROR, Evidence(reason="bug", traceback="Traceback")),
        )
        suites = {suite.get("name"): suite for suite in root}
        assert set(suites) == {"hazard", "rfc3501", "rfc5321"}
        assert suites["rfc5321"].get("failures") == "1"
        assert suites["rfc3501"].get("skipped") == "1"
        assert suites["hazard"].get("errors") == "1"
        failure = suites["rfc5321"].find("testcase/failure")
        assert failure.get("type") == "violates"
        assert "One dot goes." in failure.text
        assert "C: DATA\n    S: 354 go" in failure.text

    def test_a_deviation_is_a_failure_only_when_strict(self):
        deviation = result(DOT, Outcome.DEVIATES, FOUND)
        assert self.document(deviation).find(".//failure") is None
        assert self.document(deviation).find(".//system-out") is not None
        strict = self.document(deviation, started=replace(STARTED, strict=True))
        assert strict.find(".//failure") is not None

    def test_octets_that_xml_cannot_carry_are_escaped(self):
        evidence = replace(FOUND, actual="\x00\x08\ud800", expected="é")
        root = self.document(result(DOT, Outcome.VIOLATES, evidence))
        assert "\\x00\\x08\\xd800" in root.find(".//failure").text

    def test_why_nothing_was_run_is_an_error(self):
        root = self.document(finished=replace(FINISHED, problem="refused"))
        assert root.find(".//error").get("message") == "refused"

    def test_toothless_fails_and_unproven_is_skipped(self):
        root = self.document(
            result(DOT, teeth=Teeth.TOOTHLESS, refutation="fault x"),
            result(NOOP, Outcome.UNSUPPORTED, Evidence(reason="no imap"), teeth=Teeth.UNPROVEN),
            result(HAZARD, Outcome.EXPLOITABLE, FOUND, teeth=Teeth.REFUTED),
        )
        assert root.find(".//failure").get("message") == "TOOTHLESS: did not notice fault x"
        assert len(root.findall(".//skipped")) == 1
        assert len(root.findall(".//failure")) == 1

    def test_a_case_is_found_by_its_id_and_says_in_one_line_what_it_is_about(self):
        evidence = replace(FOUND, expected="one\r\n dot", actual="two " * 1000)
        case = self.document(result(DOT, Outcome.VIOLATES, evidence)).find(".//testcase")
        assert (case.get("classname"), case.get("name")) == ("mailproof.rfc5321", DOT.id)
        message = case.find("failure").get("message")
        assert message.startswith("violates: expected one\\r dot; got two two ")
        assert len(message) < 600

    def test_what_is_skipped_says_why(self):
        root = self.document(
            result(DOT, Outcome.UNSUPPORTED, Evidence(reason="no smtp")),
            result(NOOP, Outcome.WAIVED, replace(FOUND, reason="violates, waived: old")),
            result(HAZARD, Outcome.INCONCLUSIVE, Evidence(reason="it fell silent")),
        )
        assert {one.get("message") for one in root.iterfind(".//skipped")} == {
            "unsupported: no smtp",
            "waived: violates, waived: old",
            "inconclusive: it fell silent",
        }

    def test_a_suite_tells_what_repeats_the_run(self):
        properties = self.document(result()).find("testsuite/properties")
        values = {one.get("name"): one.get("value") for one in properties}
        assert values["mailproof.seed"] == "7"
        assert values["mailproof.target_file"] == "postfix.toml"

    def test_a_run_that_was_killed_is_no_green_one(self):
        broken_off = replace(run_of(result(), finished=None), unfinished=(NOOP.id,))
        root = ElementTree.fromstring(junit_report(broken_off))  # noqa: S314 - we wrote it
        assert root.find(f".//testcase[@name='{NOOP.id}']/error") is not None
        assert root.find("testsuite[@name='run']//error").get("message").startswith("the run was broken off")

    def test_an_interrupted_run_and_one_that_judged_nothing_are_no_green_ones(self):
        interrupted = self.document(result(), finished=replace(FINISHED, interrupted=True))
        assert interrupted.find(".//error").get("message") == (
            "the run was interrupted: 1 of 3 checks were judged"
        )
        assert self.document().find(".//error").get("message") == "nothing was judged"

    def test_waivers_without_use_fail_when_strict(self):
        finished = replace(FINISHED, waiver_notes=("remove it",))
        assert self.document(result(), finished=finished).find(".//failure") is None
        strict = self.document(result(), finished=finished, started=replace(STARTED, strict=True))
        assert strict.find(".//failure").get("message") == "remove it"
