"""Telling the sender: a delivery status notification (RFC 3464) in a multipart/report (RFC 6522)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reference_server.codec.smtp.path import Mailbox
from reference_server.codec.smtp.reply import Reply
from reference_server.mda.fields import header_of
from reference_server.mda.trace import date_time

_RETURNED_OCTETS = 65_536
"""Longer messages come back as their header only."""
_UNPRINTABLE = bytes(octet if 32 <= octet < 127 or octet in b"\r\n\t" else 0x3F for octet in range(256))


@dataclass(frozen=True, slots=True)
class Failure:
    """A recipient who will not get the message."""

    recipient: Mailbox
    reply: Reply
    remote_host: str | None
    """The next hop that said so; None where this server found out by itself."""


def bounce(
    *,
    hostname: str,
    sender: Mailbox,
    failures: Sequence[Failure],
    original: bytes,
    arrived: datetime,
    now: datetime,
    unique: str,
) -> bytes:
    """Write the notification, all of it in 7-bit ASCII, so that every hop takes it."""
    boundary = f"=_report_{unique}"
    head = "\r\n".join(
        (
            f"Date: {date_time(now)}",
            f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>",
            f"To: <{sender}>",
            "Subject: Undelivered mail returned to sender",
            f"Message-ID: <bounce-{unique}@{hostname}>",
            # RFC 3834 §5: no answering machine shall answer.
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="{boundary}"',
            "",
            "This is a delivery status notification (RFC 3464).",
            "",
        )
    )
    parts = (
        ("text/plain; charset=us-ascii", _explanation(hostname, failures)),
        ("message/delivery-status", _status(hostname, failures, arrived, now)),
        _returned(original),
    )
    body = "".join(
        f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n{text}\r\n" for content_type, text in parts
    )
    return f"{head}{body}--{boundary}--\r\n".encode("ascii")


def _explanation(hostname: str, failures: Sequence[Failure]) -> str:
    lines = [f"This is the mail system at {hostname}.", "", "Your message could not be delivered to:", ""]
    for failure in failures:
        by = f" ({failure.remote_host} said)" if failure.remote_host else ""
        lines.append(f"  <{failure.recipient}>{by}:")
        lines += [f"    {line}" for line in _folded(str(failure.reply))]
    return "\r\n".join((*lines, ""))


def _status(hostname: str, failures: Sequence[Failure], arrived: datetime, now: datetime) -> str:
    """Write per-message-fields and per-recipient-fields (RFC 3464 §2.2, §2.3)."""
    groups = [f"Reporting-MTA: dns; {hostname}\r\nArrival-Date: {date_time(arrived)}\r\n"]
    for failure in failures:
        reply = failure.reply
        fields = [
            f"Final-Recipient: rfc822; {failure.recipient}",
            "Action: failed",
            f"Status: {_status_code(reply)}",
        ]
        if failure.remote_host:
            fields.append(f"Remote-MTA: dns; {failure.remote_host}")
        diagnostic = "\r\n\t".join(_folded(str(reply)))
        fields.append(f"Diagnostic-Code: smtp; {diagnostic}")
        fields.append(f"Last-Attempt-Date: {date_time(now)}")
        groups.append("\r\n".join((*fields, "")))
    return "\r\n".join(groups)


def _status_code(reply: Reply) -> str:
    """Return a permanent status (RFC 3463): a transient one that never passed has failed for good."""
    if reply.enhanced:
        return "5" + reply.enhanced[1:]
    return "5.0.0" if reply.code >= 500 else "5.4.7"


def _returned(original: bytes) -> tuple[str, str]:
    """Return type and text of the third part: the message, or its header (RFC 6522 §3)."""
    if len(original) <= _RETURNED_OCTETS and original.isascii() and b"\0" not in original:
        return "message/rfc822", original.decode("ascii")
    header = header_of(original)[:_RETURNED_OCTETS].translate(_UNPRINTABLE)
    return "text/rfc822-headers", header.decode("ascii")


def _folded(text: str) -> list[str]:
    """Break a long text into lines, without octets that a header field cannot hold."""
    clean = "".join(character if " " <= character <= "~" else "?" for character in text)
    return [clean[start : start + 900] for start in range(0, len(clean), 900)] or [""]
