from collections.abc import Sequence

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import MUST, PROSE, Need, given, requirement, verify_equal, verify_reply
from harness.strategies import addresses, commands
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, note, send

WORDS = (b"EHLO", b"NOOP", b"RSET", b"MAIL FROM:", b"RCPT TO:", b"DATA", b"QUIT")


def spellings() -> st.SearchStrategy[Sequence[bytes]]:
    """The words of a whole session: all of them in lower case, capitalised, or any case for each letter."""
    uniform = st.sampled_from([bytes.lower, bytes.title]).map(lambda spell: tuple(map(spell, WORDS)))
    return uniform | st.tuples(*map(commands.case_variants, WORDS))


@requirement(
    "rfc5321/2.4/verbs-in-any-case",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Fault("smtp-verb-case"),
)
@example(words=tuple(map(bytes.lower, WORDS)))
@given(words=spellings())
def test_verbs_have_no_case(target: Target, words: Sequence[bytes]) -> None:
    """A whole session goes well with its verbs in any case."""
    ehlo, noop, rset, mail, rcpt, data, quit_ = words
    with target.fresh_mailbox() as mailbox, target.smtp(hello=False) as peer:
        for line, code in (
            (ehlo + b" client.mailproof.test", 250),
            (noop, 250),
            (rset, 250),
            (mail + b"<" + SENDER.encode() + b">", 250),
            (rcpt + b"<" + mailbox.address.encode() + b">", 250),
            (data, 354),
        ):
            verify_reply(peer.command(line), code=code, why="verbs are not case sensitive")
        verify_reply(peer.send_text(note()), code=250)
        verify_reply(peer.command(quit_), code=221, why="verbs are not case sensitive")
        mailbox.only_message()


@st.composite
def other_case(draw: st.DrawFn) -> Sequence[bool]:
    """For each letter of something, whether its case changes; repeated as often as needed."""
    return draw(st.lists(st.booleans(), min_size=1, max_size=8).filter(any))


@requirement(
    "rfc5321/2.4/domains-in-any-case",
    level=PROSE,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^(RCPT TO:<[^@>]*@)(?=[^>]*[A-Z])", rb"\1no-such-host."),
)
@example(mask=[True])
@given(mask=other_case())
def test_domains_have_no_case(target: Target, mask: Sequence[bool]) -> None:
    """A recipient is the same in whatever case the domain is written."""
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        local_part, _, domain = mailbox.address.rpartition("@")
        letters = enumerate(domain)
        written = "".join(one.swapcase() if mask[at % len(mask)] else one for at, one in letters)
        begin(peer)
        verify_reply(peer.rcpt(f"{local_part}@{written}"), code="25z", why="domains have no case")
        verify_reply(peer.data(), code=354)
        verify_reply(peer.send_text(note()), code=250)
        mailbox.only_message()


@requirement(
    "rfc5321/2.4/local-part-case-preserved",
    level=MUST,
    needs={Service.SMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_client(rb"^MAIL FROM:<[^@>]*", lambda found: found[0].lower()),
)
@given(local_part=addresses.case_variants("localpart").filter(lambda word: word != word.lower()))
def test_case_of_local_parts_is_preserved(target: Target, local_part: str) -> None:
    """The local part of the reverse-path is stored as it was given."""
    sender = f"{local_part}@client.mailproof.test"
    with target.fresh_mailbox() as mailbox, target.smtp() as peer:
        send(peer, mailbox.address, note(), sender=sender)
        stored = mailbox.only_message().field("Return-Path") or b""
        verify_equal(
            "the local part in Return-Path",
            expected=local_part.encode(),
            actual=stored.strip(b"<>").rpartition(b"@")[0],
        )
