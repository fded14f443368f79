from hypothesis import strategies as st

from harness.conformance import PROSE, Need, given, requirement, verify_reply
from harness.targets import Target
from harness.vocabulary.services import Service
from suites.rfc5321.steps import begin, finish, note, verify_nothing_taken
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc5321/4.1.1.2/mail-clears-buffers",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb"MAIL FROM:<second@", reply=b"250 2.1.0 OK\r\n"),
)
def test_a_second_mail_is_refused_or_begins_anew(target: Target) -> None:
    """A second MAIL is out of order and changes nothing (§4.1.4), or it drops the recipients so far."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer, mailbox.address)
        reply = peer.mail("second@client.mailproof.test")
        verify_reply(reply, code={250, "5yz"}, why="one transaction is open")
        if reply.is_positive:
            verify_nothing_taken(peer, "MAIL has cleared the recipients")
        else:
            finish(peer, note(), "a refused MAIL leaves the transaction as it was")
            mailbox.only_message()


@requirement(
    "rfc5321/4.1.1.11/unknown-parameter",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Forged(rb".*XMAILPROOF", reply=b"250 2.0.0 OK\r\n"),
)
@given(
    verb=st.sampled_from(["MAIL", "RCPT"]),
    parameter=st.from_regex(r"XMAILPROOF(-[A-Z0-9]{1,8})?(=[!-<>-~]{1,12})?", fullmatch=True),
)
def test_unknown_parameters_are_refused(target: Target, verb: str, parameter: str) -> None:
    """A parameter of no extension is answered 555."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        begin(peer)
        if verb == "RCPT":
            reply = peer.rcpt(mailbox.address, parameter)
        else:
            verify_reply(peer.rset(), code=250)
            reply = peer.mail("sender@client.mailproof.test", parameter)
        verify_reply(reply, code={555, 455}, why="the parameter is not recognised")
