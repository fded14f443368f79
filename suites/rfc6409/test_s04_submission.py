from harness.conformance import (
    MAY,
    MUST,
    SHOULD,
    Offers,
    given,
    observe,
    requirement,
    verify_reply,
)
from harness.strategies import addresses
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc4954.steps import AUTH, submission
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc6409/4.3/authentication-required",
    level=MUST,
    needs={AUTH},
    refuted_by=Forged(rb"MAIL", reply=b"250 2.1.0 OK\r\n"),
)
@given(sender=addresses.reverse_paths())
def test_mail_needs_a_login(target: Target, sender: str) -> None:
    """MAIL from somebody who has not logged in is answered 530, whatever its sender."""
    with submission(target) as peer:
        verify_reply(peer.mail(sender), code=530, why="the session has not been authenticated")


@requirement(
    "rfc6409/5.1/address-syntax",
    level=SHOULD,
    needs={AUTH},
    refuted_by=Forged(rb"RCPT", reply=b"250 2.1.5 OK\r\n"),
)
@given(path=addresses.malformed_mailboxes())
def test_malformed_recipients_are_refused(target: Target, path: str) -> None:
    """A recipient that is no address is refused at once, so that the user learns of it."""
    with target.account() as account, target.submission(account, service=Service.SUBMISSION) as peer:
        verify_reply(peer.mail(account.address), code=250)
        verify_reply(peer.rcpt(path), code="5yz", why="the address is malformed")


@requirement(
    "rfc6409/6.1/submission-rights",
    level=MAY,
    needs={Offers(Service.SUBMISSION, "AUTH")},
    refuted_by=Rewrite.from_server(rb"^550 5\.7\.1", b"250 2.1.0"),
)
def test_senders_may_be_limited_to_their_own_addresses(target: Target) -> None:
    """Whether a user may send in another's name is the server's choice."""
    with target.account() as account, target.submission(account, service=Service.SUBMISSION) as peer:
        observe("MAIL with the address of a stranger", peer.mail("stranger@client.mailproof.test").code)
