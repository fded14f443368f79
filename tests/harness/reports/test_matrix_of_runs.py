"""Servers side by side: rows, what differs, what is noted, and the forms it is written in."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_runs import DOT, FOUND, HAZARD, NOOP, STARTED, result, run_of, runs

from harness.conformance.evidence import CheckInfo, Evidence
from harness.reports.html import matrix_page
from harness.reports.matrix import matrix_of
from harness.reports.matrix_forms import matrix_json, matrix_markdown, rows_line
from harness.vocabulary.errors import UsageError
from harness.vocabulary.judging import Level, Outcome

LOCK = CheckInfo("rfc1939/4/lock", "The lock", Level.MAY, "It may be locked.", "RFC 1939 §4", "pop3")
OTHER = replace(STARTED, target="dovecot")


def observed(word: str):
    return result(LOCK, Outcome.OBSERVED, Evidence(observations=(("a second session", (word,)),)))


def sample():
    return matrix_of(
        [
            run_of(result(HAZARD, Outcome.NOT_EXPLOITABLE), result(DOT), result(NOOP), observed("refused")),
            run_of(result(DOT, Outcome.VIOLATES, FOUND), result(NOOP), observed("admitted"), started=OTHER),
        ]
    )


def test_rows_are_in_the_order_of_the_rfcs_with_a_cell_for_each_server():
    matrix = sample()
    assert [row.id for row in matrix.rows] == [LOCK.id, NOOP.id, DOT.id, HAZARD.id]
    assert [server.name for server in matrix.servers] == ["postfix", "dovecot"]
    dot = matrix.rows[2]
    assert [cell.outcome for cell in dot.cells] == [Outcome.CONFORMS, Outcome.VIOLATES]
    assert (dot.cells[1].expected, dot.cells[1].actual) == (FOUND.expected, FOUND.actual)
    assert matrix.rows[3].cells[1] is None


def test_rows_differ_by_outcome_and_where_the_rfc_leaves_it_free_by_facts():
    assert [row.differs for row in sample().rows] == [True, False, True, False]


@pytest.mark.parametrize(
    ("outcome", "differs"),
    [(Outcome.UNSUPPORTED, False), (Outcome.INCONCLUSIVE, True), (Outcome.ERROR, True)],
)
def test_who_does_not_support_it_does_nothing_otherwise(outcome, differs):
    matrix = matrix_of([run_of(result(DOT)), run_of(result(DOT, outcome))])
    assert matrix.rows[0].differs is differs


def test_facts_do_not_matter_where_there_is_an_outcome():
    facts = (Evidence(observations=(("timing", (word,)),)) for word in "ab")
    matrix = matrix_of([run_of(result(DOT, Outcome.CONFORMS, one)) for one in facts])
    assert not matrix.rows[0].differs


def test_notes_tell_what_is_less_comparable_than_it_looks():
    deep = replace(OTHER, depth="deep", version="0.2.0")
    matrix = matrix_of([run_of(result(DOT)), run_of(result(NOOP), started=deep, finished=None)])
    assert matrix.notes[:2] == (
        "the runs have different depths (postfix: quick, dovecot: deep)",
        "the runs have different versions of mailproof (postfix: 0.1.0, dovecot: 0.2.0)",
    )
    assert "broken off" in matrix.notes[2]
    assert matrix.notes[3].startswith("2 of 2 requirements were not checked on every server: ")
    assert not matrix.complete


def test_two_runs_of_one_server_are_told_apart():
    matrix = matrix_of([run_of(result(DOT)), run_of(result(DOT)), run_of(result(DOT), started=OTHER)])
    assert [server.name for server in matrix.servers] == ["postfix (1)", "postfix (2)", "dovecot"]


def test_a_run_that_judges_the_checks_is_refused():
    with pytest.raises(UsageError, match="--refute"):
        matrix_of([run_of(result(DOT)), run_of(result(DOT), started=replace(STARTED, refute=True))])


def test_json_has_every_row_and_says_which_differ():
    report = json.loads(matrix_json(sample()))
    assert [server["name"] for server in report["servers"]] == ["postfix", "dovecot"]
    assert [row["differs"] for row in report["requirements"]] == [True, False, True, False]
    assert report["requirements"][0]["results"][1]["observations"] == {"a second session": ["admitted"]}
    assert report["requirements"][3]["results"][1] is None


def test_markdown_has_the_rows_that_differ_or_all():
    text = matrix_markdown(sample())
    assert "The servers differ on 2 of 4 requirements:" in text
    assert "| ◦ observed<br>a second session\\: refused |" in text
    assert NOOP.id not in text
    assert NOOP.id in matrix_markdown(sample(), every=True)
    assert "not checked" in matrix_markdown(sample(), every=True)


def test_that_nothing_differs_is_a_sentence():
    matrix = matrix_of([run_of(result(DOT)), run_of(result(DOT), started=OTHER)])
    assert rows_line(matrix, every=False) == "The servers do not differ (requirements: 1)."
    assert "| requirement |" not in matrix_markdown(matrix)


def test_the_page_has_all_rows_and_marks_those_that_differ():
    page = matrix_page(sample())
    assert page.count('<tr class="row"') == 4
    assert page.count(" data-differs>") == 2
    for words in (
        "postfix",
        "dovecot",
        "a second session",
        "<code>admitted</code>",
        "not checked",
        "One dot goes.",
    ):
        assert words in page


@settings(max_examples=40)
@given(st.lists(runs, min_size=1, max_size=6))
def test_any_runs_are_a_matrix_in_every_form(several):
    matrix = matrix_of([replace(run, started=replace(run.started, refute=False)) for run in several])
    assert all(len(row.cells) == len(several) for row in matrix.rows)
    assert all(any(row.cells) for row in matrix.rows)
    page = matrix_page(matrix)
    assert page.count("<script") == page.count("</script") == 1
    page.encode()
    matrix_json(matrix).encode("ascii")
    matrix_markdown(matrix, every=True).encode()
