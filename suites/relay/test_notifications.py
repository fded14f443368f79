import re

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    Finding,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_one_of,
)
from harness.peers.behaviour import Stage, refuse
from harness.targets import StoredMessage, Target
from harness.transport.tamper import Fault, Rewrite
from harness.wire.message import find_fields
from suites.relay.report import Report, read_report, without_comments
from suites.relay.steps import TOLD, Sender, mails_for, submitting

_STAGES = [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.TEXT]
# status-code = DIGIT "." 1*3DIGIT "." 1*3DIGIT, no leading zeros                            ; RFC 3464 §2.3.4
_STATUS = re.compile(rb"[245]\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})")
_TYPED = re.compile(rb"[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~.]+[ \t]*;[ \t]*(.+)", re.DOTALL)


def _failed(
    sender: Sender, *, stage: Stage = Stage.RCPT, code: int = 550, local_part: str = "nobody"
) -> tuple[str, StoredMessage]:
    """Have the next hop refuse a message for good; the recipient, and what the sender is told."""
    domain = sender.outbound.domain()
    recipient = f"{local_part}@{domain}"
    with sender.outbound.next_hop(0, refuse(stage, code, "5.1.1 refused")) as hop:
        sender.outbound.route(domain, 0)
        sender.send(recipient)
        told = sender.await_notification(domain)
        tried = [attempt for attempt in hop.attempts if attempt.stage is stage]
    if not told:
        raise Finding(
            f"a notification that {recipient} was refused",
            f"none within {sender.patience_s:g} s; the next hop said {code} to {stage} {len(tried)} times",
        )
    return recipient, told[0]


def _report(message: StoredMessage) -> Report:
    """Read a notification; one in words only is legal, and nothing to judge here."""
    report = read_report(message)
    if report is None:
        unsupported("its notifications are no multipart/report")
    return report


@requirement(
    "rfc5321/6.1/failure-notified",
    level=MUST,
    needs=TOLD,
    refuted_by=Fault("relay-no-bounce"),
)
@given(stage=st.sampled_from(_STAGES), code=st.sampled_from([550, 554]))
def test_a_refusal_for_good_is_notified(target: Target, stage: Stage, code: int) -> None:
    """The sender of a message that its next hop refuses with 5yz gets a notification."""
    with submitting(target) as sender:
        _failed(sender, stage=stage, code=code)


@requirement(
    "rfc5321/6.1/notification-null-path",
    level=MUST,
    needs=TOLD,
    refuted_by=Fault("relay-bounce-with-sender"),
)
def test_notifications_have_the_null_path(target: Target) -> None:
    """A notification has the null reverse-path, so that no notification can follow it."""
    with submitting(target) as sender:
        _, message = _failed(sender)
        paths = find_fields(message.fields, "Return-Path")
        if not paths:
            unsupported("stored messages have no Return-Path, which is a check of its own")
        verify_equal("Return-Path of a notification", expected=b"<>", actual=paths[0].value)


@requirement(
    "rfc5321/6.1/null-sender-not-notified",
    level=MUST_NOT,
    needs=TOLD,
    refuted_by=Fault("relay-bounce-to-header-from"),
)
@given(stage=st.sampled_from([Stage.RCPT, Stage.TEXT]))
def test_nobody_is_told_where_the_sender_is_null(target: Target, stage: Stage) -> None:
    """A message with the null reverse-path that fails is told to nobody, whatever its header says."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        first, second = sender.outbound.domain(), sender.outbound.domain()
        hop.behaviour = refuse(stage, 550, "5.1.1 refused")
        for domain in (first, second):
            sender.outbound.dns.set(domain, "MX", f"10 mx0.{domain}.")
            sender.outbound.dns.set(f"mx0.{domain}", "A", hop.host)
        reply = sender.hand_in(f"user@{first}", reverse_path="")
        if not reply.is_positive:
            unsupported(f"users may not send with the null reverse-path: {reply}")
        if not hop.wait_for_attempts(stage, 1, sender.patience_s):
            unsupported("the message was not tried")
        # A message that fails after it: when that has been told, the first would have been told, too.
        sender.send(f"user@{second}")
        sender.await_notification(second)
        told = sender.notifications(first)
        verify(not told, expected="no notification", actual=[message.without_trace for message in told])


@requirement(
    "rfc5321/4.4/partial-failure-notified",
    level=MUST,
    needs=TOLD,
    refuted_by=Fault("relay-partial-refusal-fails-all"),
)
@given(good=st.integers(1, 3), bad=st.integers(1, 3))
def test_partial_failures_are_notified(target: Target, good: int, bad: int) -> None:
    """Of several recipients exactly those are reported as failed whom the next hop has refused."""
    with submitting(target) as sender, sender.outbound.next_hop(0) as hop:
        domain = sender.outbound.domain()
        sender.outbound.route(domain, 0)
        refused = {f"bad{number}@{domain}" for number in range(bad)}
        accepted = {f"good{number}@{domain}" for number in range(good)}
        hop.behaviour = refuse(Stage.RCPT, 550, "5.1.1 no such user", only=refused)
        sender.send(*sorted(accepted | refused))
        sender.await_(lambda: _named(sender.notifications(domain), refused) == refused, sender.patience_s)
        told = sender.notifications(domain)
        verify_equal("recipients reported as failed", expected=refused, actual=_named(told, refused))
        reports = [report for message in told if (report := read_report(message)) is not None]
        failed = {address for report in reports for address in _final_recipients(report)}
        verify(
            not failed & accepted,
            expected=f"no recipient reported who was accepted: {sorted(accepted)}",
            actual=sorted(failed),
        )
        reached = {to for mail in mails_for(hop, domain) for to in mail.rcpt_tos}
        verify_equal("recipients who got the message", expected=accepted, actual=reached)


@requirement(
    "rfc6522/3/report-parts",
    level=PROSE,
    needs=TOLD,
    refuted_by=Rewrite.from_server(rb"report-type=(\"?)d", rb"report-type=\1x"),
)
def test_a_report_has_its_parts(target: Target) -> None:
    """A multipart/report has a part in words, one of the type that report-type names, perhaps the message."""
    with submitting(target) as sender:
        _, message = _failed(sender)
        report = _report(message)
        types = [part.media_type for part in report.parts]
        verify_one_of("the number of parts", expected={2, 3}, actual=len(types))
        verify_equal("the second part", expected=b"message/" + report.report_type, actual=types[1])
        verify_one_of(
            "report-type (RFC 3464 §2)",
            expected={b"delivery-status", b"global-delivery-status"},
            actual=report.report_type,
        )


@requirement(
    "rfc3464/2.2.2/reporting-mta",
    level=PROSE,
    needs=TOLD,
    refuted_by=Rewrite.from_server(rb"^Reporting-MTA:", b"Repoating-MTA:"),
)
def test_a_report_names_its_mta(target: Target) -> None:
    """The fields of the message have one Reporting-MTA, a type and a name."""
    with submitting(target) as sender:
        _, message = _failed(sender)
        groups = _report(message).groups
        verify(len(groups) > 1, expected="fields of the message, then of its recipients", actual=groups)
        values = [field.value for field in find_fields(groups[0], "Reporting-MTA")]
        verify(
            len(values) == 1 and _TYPED.fullmatch(values[0]),
            expected="one Reporting-MTA: type; name",
            actual=values,
        )


@requirement(
    "rfc3464/2.3.2/final-recipient",
    level=MUST,
    needs=TOLD,
    refuted_by=Rewrite.from_server(rb"^Final-Recipient: ?rfc822; ?n", lambda found: found[0][:-1] + b"N"),
)
@given(local_part=st.sampled_from(["nobody", "nOBody", "n.o+body", "no=body"]))
def test_a_report_names_the_recipient(target: Target, local_part: str) -> None:
    """Each recipient's fields have the address as it was in the envelope, its letter case included."""
    with submitting(target) as sender:
        recipient, message = _failed(sender, local_part=local_part)
        verify_equal(
            "Final-Recipient", expected=[recipient], actual=_final_recipients(_report(message), in_case=True)
        )


@requirement(
    "rfc3464/2.3.3/action",
    level=MUST,
    needs=TOLD,
    refuted_by=Rewrite.from_server(rb"^Action: failed", b"Action: undone"),
)
def test_a_report_says_what_was_done(target: Target) -> None:
    """Each recipient's fields have one Action, which for a refusal for good is "failed"."""
    with submitting(target) as sender:
        _, message = _failed(sender)
        actions = [without_comments(value).lower() for value in _report(message).values("Action")]
        verify_equal("Action", expected=[b"failed"], actual=actions)


@requirement(
    "rfc3464/2.3.4/status",
    level=MUST,
    needs=TOLD,
    refuted_by=Rewrite.from_server(rb"^Status: 5\.1\.1", b"Status: 511.."),
)
@given(stage=st.sampled_from(_STAGES))
def test_a_report_has_a_status(target: Target, stage: Stage) -> None:
    """Each recipient's fields have one Status, of three numbers, the first being 5 for a refusal for good."""
    with submitting(target) as sender:
        _, message = _failed(sender, stage=stage)
        values = [without_comments(value) for value in _report(message).values("Status")]
        verify(
            len(values) == 1 and _STATUS.fullmatch(values[0]) and values[0].startswith(b"5"),
            expected="one Status: 5.N.N",
            actual=values,
        )


def _final_recipients(report: Report, *, in_case: bool = False) -> list[str]:
    """Return the addresses that a report is about."""
    addresses = []
    for value in report.values("Final-Recipient"):
        found = _TYPED.fullmatch(value)
        verify(found, expected="Final-Recipient: type; address (RFC 3464 §2.3.2)", actual=value)
        assert found is not None
        address = found[1].strip().decode(errors="replace")
        addresses.append(address if in_case else address.lower())
    return addresses


def _named(told: list[StoredMessage], addresses: set[str]) -> set[str]:
    """Return those of the addresses that notifications name."""
    text = b"".join(message.octets.replace(b"=\r\n", b"") for message in told).lower()
    return {address for address in addresses if address.encode() in text}
