from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import PROSE, Need, given, requirement, verify_equal
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import note, send

_DOTS = b".\r\n..\r\n.a\r\n...\r\n. \r\na.\r\n\r\n.\r\n\r\n"
_BLANKS = (
    b" leading\r\n\ttab\tand tab\r\ntrailing \r\n \r\n\t\r\n\r\n\r\n"
    b"From here\r\n>From there\r\n--\r\nQUIT\r\n"
)
_CHARACTERS = "".join(map(chr, range(1, 128))).replace("\r", "").replace("\n", "")


def lines_of_any_characters() -> st.SearchStrategy[bytes]:
    """Text with all of US-ASCII but NUL, which IMAP cannot show, and CR and LF, which end lines."""
    line = st.text(_CHARACTERS, max_size=30).map(str.encode)
    return st.lists(line, min_size=1, max_size=4).map(lambda some: b"".join(one + b"\r\n" for one in some))


@requirement(
    "rfc5321/4.5.2/remove-one-dot",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-dot-kept"),
)
@example(text=_DOTS)
@given(text=messages.text_lines(leading_dots=True, max_lines=8))
def test_leading_dots_survive(target: Target, text: bytes) -> None:
    """The reader gets back exactly the octets the sender meant, whatever lines begin with dots."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)


@requirement(
    "rfc5321/4.5.2/all-characters",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", b"?"),
)
@example(text=_BLANKS)
@example(text=_CHARACTERS.encode() + b"\r\n")
@given(text=lines_of_any_characters())
def test_all_characters_survive(target: Target, text: bytes) -> None:
    """Spaces, tabs and control characters are delivered like all others."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)
