"""The frame of every page: one file with its style and script in it, and a policy that forbids all else."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.reports.pages.visible import visible

_TEMPLATES = Path(__file__).parents[1] / "templates"
_LONGEST_IN_MS = 1.0


def render_part(template: str, **context: object) -> Markup:
    """Return a part of a page."""
    return Markup(_environment().get_template(template).render(**context))  # noqa: S704 - escaped by the template


def render(template: str, scripts: Sequence[str], **context: object) -> str:
    """Return a whole page; `scripts` are files beside the templates, which run in this order."""
    style = _read("style.css")
    script = "\n".join(map(_read, scripts))
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704 - ours, a file beside the template
            script=Markup(script),  # noqa: S704 - the same
            policy=_policy(style, script),
            **context,
        )
    )


def seconds_text(seconds: float) -> str:
    """Return a time as it is best read: `12 ms`, `1.25 s`, `3 min 20 s`."""
    if seconds < _LONGEST_IN_MS:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"


def moment(time: datetime) -> str:
    """Return a time as a person reads it: `2026-11-24 08:00 UTC`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def prose(text: str) -> Markup:
    """Return a sentence in which a word between backticks is code."""
    parts = (escape(visible(part)) for part in text.split("`"))
    if text.count("`") % 2:
        return Markup("`").join(parts)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["seconds"] = seconds_text
    environment.filters["prose"] = prose
    environment.filters["moment"] = moment
    return environment


def _shown(value: object) -> object:
    """Make whatever a template prints visible; what is markup already was made here."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy: no network, and of scripts and styles exactly ours."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
