import re

from hypothesis import strategies as st

from harness.conformance import MAY, PROSE, SHOULD, Need, given, observe, requirement, verify
from harness.strategies import messages
from harness.targets import StoredMessage, Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import find_fields
from suites.journeys.content import verify_intact

# msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]                                       ; RFC 5322 §3.6.4
_MESSAGE_ID = re.compile(rb"<[!#-'*+\-/-9=?A-Z^-~.]+@(?:[!#-'*+\-/-9=?A-Z^-~.]+|\[[!-Z^-~]*\])>")


def _submitted(target: Target, message: bytes) -> StoredMessage:
    """Have a user submit a message to their own address."""
    with target.fresh_mailbox() as mailbox, target.submission(mailbox.account) as peer:
        eight_bit = [] if message.isascii() else ["BODY=8BITMIME"]
        reply = peer.submit(sender=mailbox.address, to=mailbox.address, message=message, parameters=eight_bit)
        verify(reply.is_positive, expected="a submission to a local address is accepted", actual=reply.octets)
        return mailbox.only_message()


def _incomplete(*missing: bytes) -> bytes:
    """Compose a message without some of its fields."""
    lines = messages.compose().split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(missing))


@requirement(
    "rfc6409/8/submission-intact",
    level=PROSE,
    needs={Service.SUBMISSION, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Subject: ", b"Subject:  "),
)
@given(message=messages.conforming_messages(long=True))
def test_submitted_content_comes_back(target: Target, message: bytes) -> None:
    """A submission that has all its fields reaches a local address in the octets that were submitted."""
    verify_intact(message, _submitted(target, message).octets)


@requirement(
    "rfc6409/8.2/date-added",
    level=MAY,
    needs={Service.SUBMISSION, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^Date:", b"Dete:"),
)
def test_a_date_may_be_added_at_submission(target: Target) -> None:
    """Whether a submission without Date gets one is the server's choice."""
    stored = _submitted(target, _incomplete(b"Date:"))
    observe("Date fields of a submission without one", len(find_fields(stored.fields, "Date")))


@requirement(
    "rfc6409/8.3/message-id-added",
    level=SHOULD,
    needs={Service.SUBMISSION, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^Message-I[dD]:", b"Massage-ID:"),
)
@given(body=messages.text_lines())
def test_a_message_id_is_added_at_submission(target: Target, body: bytes) -> None:
    """A submission without Message-ID gets one, in the form of RFC 5322."""
    header, _, _ = _incomplete(b"Message-ID:").partition(b"\r\n\r\n")
    stored = _submitted(target, header + b"\r\n\r\n" + body)
    values = [field.value for field in find_fields(stored.fields, "Message-ID")]
    verify(
        len(values) == 1 and _MESSAGE_ID.fullmatch(values[0]),
        expected="one Message-ID: <left@right>",
        actual=values,
    )


@requirement(
    "rfc5321/6.4/completion-for-strangers",
    level=MAY,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Subject:", b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nSubject:"),
)
@given(missing=st.sampled_from([b"Date:", b"Message-ID:"]))
def test_what_strangers_leave_out_may_be_added(target: Target, missing: bytes) -> None:
    """Whether the server completes what somebody sends whom it does not know is its choice."""
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, _incomplete(missing), by=Service.SMTP)
        name = missing.rstrip(b":").decode()
        there = find_fields(mailbox.only_message().fields, name)
        observe(f"{name} fields of a stranger's message without one", len(there))
