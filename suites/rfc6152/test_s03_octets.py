from hypothesis import strategies as st

from harness.conformance import PROSE, Need, Offers, given, requirement, verify_equal, verify_reply
from harness.strategies import commands, messages
from harness.targets import Target
from harness.transport.tamper import Fault
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, finish, note
from suites.rfc5321.tampering import Forged

_OFFERED = Offers(Service.SMTP, "8BITMIME")
_MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"


@requirement(
    "rfc6152/3/octets-preserved",
    level=PROSE,
    needs={_OFFERED, Need.RETRIEVE},
    refuted_by=Fault("smtp-8bit-stripped"),
)
@given(text=messages.text_lines(eight_bit=True, leading_dots=True, utf8=True), label=st.booleans())
def test_all_eight_bits_survive(target: Target, text: bytes, label: bool) -> None:
    """Octets with the high bit set arrive as they were sent, since 8BITMIME is offered."""
    text = "Grüße\r\n".encode() + text
    mime = _MIME if label else _MIME.replace(b"utf-8", b"x-unknown")
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address, parameters=["BODY=8BITMIME"])
        finish(peer, note(text, extra=mime), "8BITMIME is offered")
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)


@requirement(
    "rfc6152/2/body-values",
    level=PROSE,
    needs={_OFFERED},
    refuted_by=Forged(rb"MAIL .*> BODY=7", reply=b"555 5.5.4 BODY is not known\r\n"),
)
@given(parameter=st.sampled_from([b"BODY=7BIT", b"BODY=8BITMIME"]).flatmap(commands.case_variants))
def test_both_values_of_body_are_taken(target: Target, parameter: bytes) -> None:
    """MAIL takes BODY=7BIT and BODY=8BITMIME, in any case."""
    with target.smtp() as peer:
        verify_reply(peer.mail(SENDER, parameter), code=250, why="8BITMIME is offered")
