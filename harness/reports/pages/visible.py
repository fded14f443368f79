"""Text as a page can show it: what would be invisible, mislead the eye or break the file is written out."""

import json
import re

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tab and line feed
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # joins, breaks and turns of direction
    "\ud800-\udfff\ufffe\uffff]"
)

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|&~$!@:+=]")


def visible(text: str) -> str:
    r"""Return `text` with `\x00`, `\u202e`, lone surrogates and their like as escapes."""
    return _INVISIBLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def json_in_html(value: object) -> str:
    """Return `value` as JSON that nothing in it can break out of, in a script element or an attribute.

    All but ASCII is escaped (U+2028, lone surrogates), and so are the characters that begin or end markup.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def one_line(text: str) -> str:
    """Return `text` in one line, in which everything is visible."""
    return " ".join(visible(text).split())


def in_markdown(text: str) -> str:
    """Return `text` in one line of Markdown in which nothing is markup, a mention or a reference."""
    return _MARKUP.sub(lambda match: f"\\{match[0]}", one_line(text))
