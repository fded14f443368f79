"""The forms in which a run can be written to a file: one table for every command that writes them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.conformance.events import Event, RunFinished
from harness.reports.json_report import json_report
from harness.reports.junit import junit_report
from harness.reports.markdown import markdown_report
from harness.reports.places import verify_writable
from harness.reports.run import Gatherer, Run
from harness.vocabulary.errors import UsageError


@dataclass(frozen=True, slots=True)
class Format:
    """A form of a report."""

    render: Callable[[Run], str]
    what: str
    """What is written, for the option's help: `write the run as ...`."""


def _html_page(run: Run) -> str:
    from harness.reports.html import html_page  # noqa: PLC0415 - its templates are loaded where it is asked for

    return html_page(run)


FORMATS: Mapping[str, Format] = {
    "html": Format(_html_page, "one HTML page, to be opened in a browser"),
    "json": Format(json_report, "one JSON object"),
    "junit": Format(junit_report, "JUnit XML"),
    "md": Format(markdown_report, "Markdown, as a summary of a CI job"),
}
"""By the name of their option."""

Wanted = Mapping[str, Path]
"""The files to write, by the names of their forms."""


def wanted(options: Mapping[str, object], *, prefix: str = "") -> Wanted:
    """Return what of the options are files to write; one that cannot be written is a `UsageError`."""
    files = {
        name: path
        for name in FORMATS
        if isinstance(path := options.get(f"{prefix}{name}".replace("-", "_")), Path)
    }
    for name, path in files.items():
        verify_writable(path, f"--{prefix}{name}")
    return files


def write_reports(run: Run, files: Wanted, *, prefix: str = "") -> None:
    """Write the files; if some cannot be written, the others are, and a `UsageError` names the first."""
    problem = ""
    for name, path in files.items():
        text = FORMATS[name].render(run)
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            option = f"--{prefix}{name}"
            problem = problem or f"{option} {path}: cannot be written ({error.strerror}); name another file"
    if problem:
        raise UsageError(problem)


class FileReports:
    """Listens to a run, and writes its reports at its end, also when it was interrupted."""

    def __init__(self, files: Wanted, *, prefix: str = "") -> None:
        self._files = files
        self._prefix = prefix
        self._gatherer = Gatherer()
        self.problem = ""
        """What could not be written."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._gatherer(event)
        run = self._gatherer.run
        if isinstance(event, RunFinished) and run is not None:
            try:
                write_reports(run, self._files, prefix=self._prefix)
            except UsageError as error:
                self.problem = str(error)
