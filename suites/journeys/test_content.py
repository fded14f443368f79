from hypothesis import assume
from hypothesis import strategies as st

from harness.conformance import (
    MUST_NOT,
    PROSE,
    SHOULD_NOT,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
)
from harness.strategies import messages, mime
from harness.strategies.mime import MimeMessage
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import split_message
from suites.journeys.content import judged_fields, kept_fields, verify_intact

_BLANKS = (b"", b"", b" ", b"\t", b" \t ", b"x", b".", b"..")
_WAYS = (Service.SMTP, Service.LMTP)


def _conforming() -> st.SearchStrategy[bytes]:
    """Messages with dots, long lines, and octets of eight bits."""
    return messages.conforming_messages(long=True) | messages.conforming_messages(utf8=True)


def _many_fields() -> st.SearchStrategy[bytes]:
    """Fields with many folds, long lines, or simply many fields."""
    few = st.lists(messages.fields() | messages.long_fields(), min_size=1, max_size=6).map(b"".join)
    many = st.integers(50, 300).map(
        lambda count: b"".join(b"X-Number-%d: %d\r\n" % (number, number) for number in range(count))
    )
    return few | many


@requirement(
    "rfc5321/2.3.1/content-intact",
    level=PROSE,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Subject: ", b"Subject:  "),
)
@given(message=_conforming(), way=st.sampled_from(_WAYS))
def test_content_comes_back(target: Target, message: bytes, way: Service) -> None:
    """Fields and body come back in the octets in which they were sent, by SMTP and by LMTP."""
    by = way if target.lacks(way) is None else None
    if not message.isascii():
        assume("8BITMIME" in target.offers(by or Service.SMTP))
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message, by=by)
        verify_intact(message, mailbox.only_message().octets)


@requirement(
    "rfc5321/2.3.1/lines-kept",
    level=PROSE,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"\r\n\r\n\r\n", b"\r\n\r\n"),
)
@given(lines=st.lists(st.sampled_from(_BLANKS), max_size=8))
def test_empty_lines_come_back(target: Target, lines: list[bytes]) -> None:
    """Empty lines and lines of white space come back, wherever they are and though there be no other."""
    body = b"".join(line + b"\r\n" for line in lines)
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, messages.compose(body))
        verify_equal("the body", expected=body, actual=mailbox.only_message().text)


@requirement(
    "rfc5321/2.3.1/structured-body",
    level=PROSE,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^--=_", b"--=-"),
)
@given(message=mime.messages())
def test_trees_of_parts_come_back(target: Target, message: MimeMessage) -> None:
    """A body with parts in parts comes back as it is: boundaries, headers of parts, encoded lines."""
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message.octets)
        verify_intact(message.octets, mailbox.only_message().octets)


@requirement(
    "rfc5322/2.1/header-only",
    level=PROSE,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^Date:", b"\r\nDate:"),
)
@given(ends=st.booleans(), extra=messages.fields())
def test_a_message_may_be_a_header(target: Target, ends: bool, extra: bytes) -> None:
    """A message without a body comes back with its fields and no body, with or without the empty line."""
    message = messages.compose(b"", extra=extra)
    sent = message if ends else message.removesuffix(b"\r\n")
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, sent)
        stored = mailbox.only_message().octets
        verify_intact(message, stored)
        verify_equal("the body", expected=b"", actual=split_message(stored)[1])


@requirement(
    "rfc5322/2.2.3/folding-kept",
    level=PROSE,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^(X-[^\r\n]*[0-9y])\r\n[ \t]*", rb"\1\r\nX-More: yes\r\n")
    + Rewrite.from_client(rb"^(X-[^\r\n]*)\r\n[ \t]+", rb"\1 "),
)
@given(extra=_many_fields())
def test_folds_and_long_headers_come_back(target: Target, extra: bytes) -> None:
    """Folded fields, long ones, and hundreds of them come back as they were."""
    message = messages.compose(extra=extra)
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message)
        verify_intact(message, mailbox.only_message().octets)


_FIELDS = (
    b"From: <sender@mailproof.test>\r\n",
    b"To: <recipient@mailproof.test>\r\n",
    b"Cc: <other@mailproof.test>\r\n",
    b"Subject: order\r\n",
    b"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n",
    b"Reply-To: <answers@mailproof.test>\r\n",
    b"MIME-Version: 1.0\r\n",
    b"Content-Type: text/plain\r\n",
    b"X-First: 1\r\n",
    b"X-Second: 2\r\n",
    b"Comments: one\r\n",
    b"Keywords: a, b\r\n",
)
_SWAP_FIRST_TWO = Rewrite.from_client(rb"\A(\S+: [^\r\n]*\r\n)(\S+: [^\r\n]*\r\n)", rb"\2\1")


@requirement(
    "rfc5322/3.6/fields-not-reordered",
    level=SHOULD_NOT,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=_SWAP_FIRST_TWO,
)
@given(fields=st.permutations(_FIELDS), identifier=messages.message_ids())
def test_fields_keep_their_order(target: Target, fields: list[bytes], identifier: bytes) -> None:
    """The fields of the header come back in the order in which they were sent."""
    message = b"".join(fields) + b"Message-ID: " + identifier + b"\r\n\r\nHello.\r\n"
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message)
        stored = mailbox.only_message().octets
        verify_equal(
            "the order of the fields", expected=judged_fields(message), actual=kept_fields(message, stored)
        )


@requirement(
    "rfc5322/3.6/trace-not-reordered",
    level=MUST_NOT,
    needs={Need.SUBMIT, Need.RETRIEVE},
    refuted_by=_SWAP_FIRST_TWO,
)
@given(kinds=st.lists(st.booleans(), min_size=2, max_size=5))
def test_trace_and_resent_fields_keep_their_order(target: Target, kinds: list[bool]) -> None:
    """Received fields, and blocks of resent fields between them, come back in their order."""
    blocks = [_resent(number) if resent else _hop(number) for number, resent in enumerate(kinds)]
    message = b"".join(blocks) + messages.compose()
    trace = [line + b"\r\n" for line in b"".join(blocks).split(b"\r\n") if line]
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message)
        kept = kept_fields(message, mailbox.only_message().octets)
        verify(
            [octets for octets in kept if octets in trace] == trace,
            expected=f"the trace and resent fields in their order: {trace!r}",
            actual=kept,
        )


def _hop(number: int) -> bytes:
    return (
        b"Received: from h%d.mailproof.test by h%d.mailproof.test with SMTP id %d; "
        b"Thu, 1 Jan 2026 12:00:%02d +0000\r\n" % (number + 1, number, number, 59 - number)
    )


def _resent(number: int) -> bytes:
    return (
        b"Resent-Date: Thu, 1 Jan 2026 11:00:%02d +0000\r\n"
        b"Resent-From: <again%d@mailproof.test>\r\n"
        b"Resent-To: <someone%d@mailproof.test>\r\n"
        b"Resent-Message-ID: <resent%d@mailproof.test>\r\n" % (59 - number, number, number, number)
    )
