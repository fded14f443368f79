"""Telling the sender: a delivery status notification (RFC 3464) in a multipart/report (RFC 6522).

All of it is 7-bit ASCII, so that every hop takes it: what is not, is encoded, in the types that RFC 6533 has
for internationalised mail and that may be encoded (RFC 6533 §4.4). Only the address of the sender may ask for
SMTPUTF8, which their own mail has asked for, too.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reference_server.codec.smtp.notification import write_orcpt
from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import NONE, Defects
from reference_server.mda.fields import header_of
from reference_server.mda.trace import date_time
from reference_server.relay.mail import PLAIN, Terms
from reference_server.relay.report import Action, Report

_RETURNED_OCTETS = 65_536
"""Longer messages come back as their header only, unless RET=FULL asks for more."""
_FULL_OCTETS = 1_048_576
"""What RET=FULL gets at the most (RFC 3461 §6.2: implementation-specified length)."""
_LONGEST_LINE = re.compile(rb"[^\r\n]{999}")
_LOOSE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_UNPRINTABLE = bytes(octet if 32 <= octet < 127 or octet in b"\r\n\t" else 0x3F for octet in range(256))
_SUBJECTS = {
    Action.FAILED: "Undelivered mail returned to sender",
    Action.DELAYED: "Delayed mail (still being retried)",
}
_SUCCESS = "Successful mail delivery report"
_EXPLANATIONS = {
    Action.FAILED: "Your message could not be delivered to:",
    Action.DELAYED: "Your message has not been delivered yet, and is being tried again, to:",
    Action.DELIVERED: "Your message was delivered to:",
    Action.RELAYED: "Your message was passed on to a system that reports no deliveries, for:",
    Action.EXPANDED: "Your message was delivered to an alias, and passed on to its addresses:",
}


@dataclass(frozen=True, slots=True)
class Original:
    """The message that a notification is about."""

    sender: Mailbox
    octets: bytes
    arrived: datetime
    terms: Terms = PLAIN


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to the sender, to be sent with the null reverse-path."""

    octets: bytes
    terms: Terms


@dataclass(frozen=True, slots=True)
class _Part:
    """A body part of the report."""

    content_type: str
    octets: bytes
    encoding: str | None = None

    def __bytes__(self) -> bytes:
        encoding = f"Content-Transfer-Encoding: {self.encoding}\r\n" if self.encoding else ""
        return f"Content-Type: {self.content_type}\r\n{encoding}\r\n".encode("ascii") + self.octets + b"\r\n"


def notification(
    original: Original,
    reports: Sequence[Report],
    *,
    hostname: str,
    now: datetime,
    unique: str,
    defects: Defects = NONE,
) -> Notification:
    """Write the notification about some recipients of one message."""
    boundary = f"=_report_{unique}"
    is_global = not all(_is_ascii(report) for report in reports)
    kind = f"multipart/report; report-type={_report_type(is_global)}"
    actions = {report.action for report in reports}
    subject = next((text for action, text in _SUBJECTS.items() if action in actions), _SUCCESS)
    status = _status(hostname, original, reports, now, is_global=is_global, defects=defects)
    parts = (
        _text_part("text/plain", _explanation(hostname, reports), is_utf8=is_global),
        _status_part(status, is_global=is_global),
        _returned(original, is_failure=Action.FAILED in actions, defects=defects),
    )
    head = "\r\n".join(
        (
            f"Date: {date_time(now)}",
            f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>",
            f"To: <{original.sender}>",
            f"Subject: {subject}",
            f"Message-ID: <bounce-{unique}@{hostname}>",
            # RFC 3834 §5: no answering machine shall answer.
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            f'Content-Type: {kind};\r\n\tboundary="{boundary}"',
            "",
            "This is a delivery status notification (RFC 3464).",
            "",
        )
    )
    body = b"".join(f"--{boundary}\r\n".encode("ascii") + bytes(part) for part in parts)
    octets = head.encode("utf-8") + body + f"--{boundary}--\r\n".encode("ascii")
    return Notification(octets, PLAIN if octets.isascii() else Terms("8BITMIME", smtputf8=True))


def _report_type(is_global: bool) -> str:
    """RFC 6522 §3: the report type names the subtype of the second part."""
    return "global-delivery-status" if is_global else "delivery-status"


def _is_ascii(report: Report) -> bool:
    return report.addressee.mailbox.is_ascii and (report.addressee.orcpt or "").isascii()


def _explanation(hostname: str, reports: Sequence[Report]) -> str:
    lines = [f"This is the mail system at {hostname}."]
    for action, text in _EXPLANATIONS.items():
        of_action = [report for report in reports if report.action is action]
        if of_action:
            lines += ["", text, ""]
        for report in of_action:
            by = f" ({report.remote_host} said)" if report.remote_host else ""
            lines.append(f"  <{report.addressee.mailbox}>{by}:")
            lines += [f"    {line}" for line in _folded(str(report.reply))]
    return "\r\n".join((*lines, ""))


def _status(
    hostname: str,
    original: Original,
    reports: Sequence[Report],
    now: datetime,
    *,
    is_global: bool,
    defects: Defects,
) -> str:
    """Write per-message-fields and per-recipient-fields (RFC 3464 §2.2, §2.3)."""
    per_message = []
    envid = original.terms.envid
    if envid is not None and "dsn-envid-dropped" not in defects:
        # Decoded, and only if it was given (RFC 3461 §6.3 (a)).
        per_message.append(f"Original-Envelope-Id: {envid}")
    per_message.append(f"Reporting-MTA: dns; {hostname}")
    per_message.append(f"Arrival-Date: {date_time(original.arrived)}")
    groups = ["\r\n".join((*per_message, ""))]
    groups += [
        "\r\n".join((*_per_recipient(report, now, is_global=is_global, defects=defects), ""))
        for report in reports
    ]
    return "\r\n".join(groups)


def _per_recipient(report: Report, now: datetime, *, is_global: bool, defects: Defects) -> list[str]:
    one = report.addressee
    fields = []
    if one.orcpt is not None and "dsn-orcpt-dropped" not in defects:
        # As it was given, and only if it was (RFC 3461 §6.3 (d)); UTF-8 as itself where that may stand.
        kind, _, address = (one.orcpt if is_global else _in_ascii(one.orcpt)).partition(";")
        fields.append(f"Original-Recipient: {kind};{address}")
    kind = "rfc822" if one.mailbox.is_ascii else "utf-8"
    action = Action.DELAYED if "dsn-action-wrong" in defects else report.action
    fields += [
        f"Final-Recipient: {kind}; {one.mailbox}",
        f"Action: {action}",
        f"Status: {report.status}",
    ]
    if report.remote_host:
        fields.append(f"Remote-MTA: dns; {report.remote_host}")
    if report.action not in (Action.DELIVERED, Action.EXPANDED):
        diagnostic = "\r\n\t".join(_folded(str(report.reply)))
        fields.append(f"Diagnostic-Code: smtp; {diagnostic}")
    fields.append(f"Last-Attempt-Date: {date_time(now)}")
    if report.retry_until is not None:
        fields.append(f"Will-Retry-Until: {date_time(report.retry_until)}")
    return fields


def _in_ascii(orcpt: str) -> str:
    """Return the original recipient in ASCII (RFC 6533 §3: utf-8-addr-xtext in a 7-bit environment)."""
    return orcpt if orcpt.isascii() else write_orcpt(orcpt)


def _text_part(kind: str, text: str, *, is_utf8: bool) -> _Part:
    if not is_utf8:
        return _Part(f"{kind}; charset=us-ascii", text.encode("ascii"))
    return _Part(f"{kind}; charset=utf-8", _base64(text.encode("utf-8")), "base64")


def _status_part(status: str, *, is_global: bool) -> _Part:
    """RFC 3464 §2.1 has 7-bit text only; RFC 6533 §4.1 has UTF-8, which may be encoded."""
    if not is_global:
        return _Part("message/delivery-status", status.encode("ascii"))
    return _Part("message/global-delivery-status", _base64(status.encode("utf-8")), "base64")


def _returned(original: Original, *, is_failure: bool, defects: Defects) -> _Part:
    """Return the third part: the message, or its header (RFC 6522 §3, RFC 3461 §4.3, §6.2)."""
    octets, ret = original.octets, original.terms.ret
    if "dsn-ret-ignored" in defects:
        ret = {"FULL": "HDRS", "HDRS": "FULL"}.get(ret or "")
    at_most = _FULL_OCTETS if ret == "FULL" else _RETURNED_OCTETS
    if is_failure and ret != "HDRS" and len(octets) <= at_most:
        if _is_seven_bit(octets):
            return _Part("message/rfc822", octets)
        if ret == "FULL":
            # message/rfc822 may not be encoded (RFC 2046 §5.2.1), message/global may (RFC 6532 §3.7).
            return _Part("message/global", _base64(octets), "base64")
    header = header_of(octets)[:_RETURNED_OCTETS]
    if not header.isascii() and original.terms.smtputf8:
        return _Part("message/global-headers", _base64(header), "base64")
    return _Part("text/rfc822-headers", header.translate(_UNPRINTABLE))


def _is_seven_bit(octets: bytes) -> bool:
    """Whether the octets can stand as they are (RFC 2045 §2.7)."""
    return (
        octets.isascii()
        and b"\0" not in octets
        and _LOOSE_LINE_END.search(octets) is None
        and _LONGEST_LINE.search(octets) is None
    )


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _folded(text: str) -> list[str]:
    """Break a long text into lines, without octets that a header field cannot hold."""
    clean = "".join(character if " " <= character <= "~" else "?" for character in text)
    return [clean[start : start + 900] for start in range(0, len(clean), 900)] or [""]
