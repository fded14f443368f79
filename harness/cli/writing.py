"""Options of commands that write one thing in several forms."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.reports.places import verify_writable
from harness.vocabulary.errors import UsageError

_FORMS = {"html": "one HTML page", "md": "Markdown", "json": "one JSON object"}


def add_form_options(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the options that name files."""
    for name, form in _FORMS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"write {what} as {form}")


def write_forms(arguments: argparse.Namespace, forms: Mapping[str, Callable[[], str]]) -> bool:
    """Write the files that are asked for; say whether there were any. Raises `UsageError`."""
    files = {name: path for name in _FORMS if (path := getattr(arguments, name)) is not None}
    for name, path in files.items():
        verify_writable(path, f"--{name}")
    for name, path in files.items():
        try:
            path.write_text(forms[name](), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            message = f"--{name} {path}: cannot be written ({error.strerror}); name another file"
            raise UsageError(message) from None
    return bool(files)
