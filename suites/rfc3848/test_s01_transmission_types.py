import re

from hypothesis import strategies as st

from harness.clients.smtp import SmtpClient
from harness.conformance import PROSE, Need, given, requirement, verify
from harness.targets import Account, Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.message import find_fields
from suites.rfc5321.steps import SENDER, note, send

_WITH = re.compile(rb"(?is)\sby\s.*?\swith\s+([A-Z0-9]+)")


@requirement(
    "rfc3848/1/transmission-types",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"\bwith (?:ESMTP[SA]*|SMTP)\b", b"with UTF8SMTP"),
)
@given(way=st.sampled_from(["SMTP", "ESMTP", "ESMTPS", "ESMTPSA"]))
def test_received_says_how_the_message_came(target: Target, way: str) -> None:
    """The with clause of Received, if there is one, is true: of HELO or EHLO, of TLS, and of AUTH."""
    with target.fresh_mailbox() as mailbox:
        if (peer := connect(target, way, mailbox.account)) is None:
            return
        with peer:
            sender = mailbox.address if way == "ESMTPSA" else SENDER
            send(peer, mailbox.address, note(), sender=sender)
        # The lowest of those that were added is that of the server which took the message from us.
        values = [field.value for field in find_fields(mailbox.only_message().fields, "Received")]
        found = _WITH.search(values[-1]) if values else None
        verify(
            found is None or found[1].upper() == way.encode(),
            expected=f"with {way} in the Received field of the server that took the message",
            actual=values,
        )


def connect(target: Target, way: str, account: Account) -> SmtpClient | None:
    """A session of the kind; None where the target has none such."""
    if way == "ESMTPSA":
        if target.lacks(Service.SUBMISSION) is None:
            return target.submission(account, tls=True, service=Service.SUBMISSION)
        return None
    if way == "ESMTPS":
        return target.smtp(tls=True) if "STARTTLS" in target.offers(Service.SMTP) else None
    peer = target.smtp(hello=way == "ESMTP")
    if way == "SMTP":
        peer.helo()
    return peer
