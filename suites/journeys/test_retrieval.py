import re

from hypothesis import assume
from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import PROSE, Finding, Need, given, requirement, verify_equal, verify_ok
from harness.strategies import messages, mime
from harness.targets import Maildrop, Target
from harness.targets.inbox import poll
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from harness.wire.imap import FetchData
from suites.journeys.content import verify_intact


def _mail() -> st.SearchStrategy[bytes]:
    """Messages with dots, long lines, octets of eight bits, and parts."""
    return st.one_of(
        messages.conforming_messages(long=True),
        messages.conforming_messages(utf8=True),
        mime.messages().map(lambda tree: tree.octets),
    )


def _deliver(target: Target, maildrop: Maildrop, sent: list[bytes]) -> Pop3Client:
    """Have messages delivered as mail; a POP3 session that sees them all."""
    if not all(message.isascii() for message in sent):
        assume(
            "8BITMIME" in target.offers(Service.SMTP if target.lacks(Service.SMTP) is None else Service.LMTP)
        )
    for message in sent:
        target.deliver(maildrop, message)
    session: Pop3Client | None = None

    def all_there() -> bool:
        nonlocal session
        if session is not None:
            session.quit()
            session.close()
        session = maildrop.open()
        return len(session.list()) >= len(sent)

    if not poll(all_there, target.wait_s) or session is None:
        raise Finding(f"{len(sent)} messages in the maildrop", f"fewer within {target.wait_s:g} s")
    return session


def _one_more(found: re.Match[bytes]) -> bytes:
    """Write another last digit."""
    return found[1] + (b"0" if found[2] == b"9" else b"%d" % (int(found[2]) + 1)) + found[3]


@requirement(
    "rfc1939/5/retr-as-delivered",
    level=PROSE,
    needs={Need.SUBMIT, Need.EMPTY_MAILDROP},
    refuted_by=Rewrite.from_server(rb"^From: <sender@", b"From: <sendor@"),
)
@given(message=_mail())
def test_retr_gives_the_message_that_was_sent(target: Target, message: bytes) -> None:
    """RETR gives the fields and the body that were sent, and the same octets as BODY[] by IMAP."""
    with target.maildrop() as maildrop:
        pop3 = _deliver(target, maildrop, [message])
        retrieved = pop3.retr(1)
        verify_ok(retrieved, "the message is there")
        pop3.quit()
        verify_intact(message, retrieved.body)
        if target.lacks(Need.IMAP) is None:
            fetched = _fetched(target, maildrop, b"BODY.PEEK[]")
            verify_equal("BODY[] by IMAP, as RETR gave it", expected=retrieved.body, actual=fetched.message)


@requirement(
    "rfc1939/11/octets-of-the-message",
    level=PROSE,
    needs={Need.SUBMIT, Need.EMPTY_MAILDROP},
    refuted_by=Rewrite.from_server(rb"^([1-9] [0-9]*)([0-9])(\r\n)", _one_more),
)
@given(sent=st.lists(_mail(), min_size=1, max_size=3))
def test_sizes_are_those_of_the_messages(target: Target, sent: list[bytes]) -> None:
    """LIST and STAT count the octets that RETR gives, each line end as two and no dot that was stuffed."""
    with target.maildrop() as maildrop:
        pop3 = _deliver(target, maildrop, sent)
        sizes = pop3.list()
        bodies = {number: pop3.retr(number).body for number in sizes}
        verify_equal("LIST", expected={number: len(body) for number, body in bodies.items()}, actual=sizes)
        verify_equal("the octets in STAT", expected=sum(map(len, bodies.values())), actual=pop3.stat().octets)


@requirement(
    "rfc3501/2.3.4/size-of-delivered",
    level=PROSE,
    needs={Need.SUBMIT, Need.IMAP},
    refuted_by=Rewrite.from_server(rb"(RFC822\.SIZE [0-9]*)([0-9])()", _one_more),
    also=["rfc9051/2.3.4/size-of-delivered"],
)
@given(message=_mail())
def test_the_size_is_that_of_the_message(target: Target, message: bytes) -> None:
    """RFC822.SIZE of delivered mail is the number of octets that BODY[] gives."""
    if not message.isascii():
        assume(
            "8BITMIME" in target.offers(Service.SMTP if target.lacks(Service.SMTP) is None else Service.LMTP)
        )
    with target.fresh_mailbox() as mailbox:
        target.deliver(mailbox, message)
        uid = mailbox.only_message().uid
        assert uid is not None, "mail is read by IMAP where there is IMAP"
        with target.imap(mailbox.account) as imap:
            verify_ok(imap.examine("INBOX"), "every account has an INBOX")
            result = imap.uid_fetch(str(uid), [b"RFC822.SIZE", b"BODY.PEEK[]"])
            verify_ok(result, "the message is there")
            for data in result.all(FetchData):
                if data.message is not None:
                    verify_equal("RFC822.SIZE", expected=len(data.message), actual=data.size)


def _fetched(target: Target, maildrop: Maildrop, item: bytes) -> FetchData:
    """Fetch the only message of a maildrop by IMAP."""
    with target.imap(maildrop.account) as imap:
        verify_ok(imap.examine("INBOX"), "every account has an INBOX")
        result = imap.fetch("1", [item])
        verify_ok(result, "the message is there")
        return next(data for data in result.all(FetchData) if data.message is not None)
