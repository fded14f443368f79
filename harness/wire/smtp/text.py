"""Transparency: how mail text travels after DATA (RFC 5321 §4.5.2)."""

from harness.vocabulary.errors import RemoteProtocolError

_END = b".\r\n"


def dot_stuff(message: bytes) -> bytes:
    """Return `message` as it follows a 354: dots doubled at line starts, `CRLF.CRLF` at the end.

    A line starts after a CRLF and nowhere else (RFC 5321 §2.3.8), so that a dot after a bare LF stays
    single. Mail text consists of lines: where the last one has no CRLF, it gets one, and the message
    that arrives is longer by it.
    """
    text = message.replace(b"\r\n.", b"\r\n..")
    if text.startswith(b"."):
        text = b"." + text
    if text and not text.endswith(b"\r\n"):
        text += b"\r\n"
    return text + _END


def dot_unstuff(text: bytes) -> bytes:
    """Return the message that `text`, ended by `CRLF.CRLF`, carries: the inverse of `dot_stuff`.

    A first dot is dropped from each line that has other octets after it, doubled or not, as the receiver's
    procedure says.
    """
    if text != _END and not text.endswith(b"\r\n" + _END):
        raise RemoteProtocolError("CRLF.CRLF at the end of mail text (RFC 5321 §4.1.1.4)", text, len(text))
    lines = (b"\r\n" + text[: -len(_END)]).replace(b"\r\n.", b"\r\n")
    return lines[2:]
