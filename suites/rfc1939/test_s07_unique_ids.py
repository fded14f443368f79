from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import (
    PROSE,
    SHOULD,
    Need,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import contents, filled, need_retention, notes, reopen
from suites.rfc1939.tampering import BySession, FirstAnswer, While

_DROP = Need.EMPTY_MAILDROP
_LISTING = rb"^((?:\+OK )?[0-9]+ )[!-~]+(?=\r\n)"


def need_uidl(peer: Pop3Client) -> None:
    """End the check where UIDL, which is optional, is not there."""
    if not peer.command("UIDL", multiline=True).ok:
        unsupported("the server has no UIDL")


def names_of(peer: Pop3Client) -> dict[bytes, bytes]:
    """Return the unique-id of each message, by what the message is."""
    stored, names = contents(peer), list(peer.uidl().values())
    verify_equal("how many unique-ids there are", expected=len(stored), actual=len(names))
    return dict(zip(stored, names, strict=True))


def _salted(session: int) -> While:
    return While(rb"UIDL", Rewrite.from_server(_LISTING, rb"\g<1>of-session-%d" % session))


@requirement(
    "rfc1939/7/unique-id-form",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"UIDL", Rewrite.from_server(rb"^([0-9]+ )(?=[!-~]+\r\n)", rb"\1" + b"x" * 70)),
)
@given(count=st.integers(0, 5))
def test_unique_ids_have_their_form(target: Target, count: int) -> None:
    """UIDL lists each message with its number, a space, and 1 to 70 printable characters; nothing else."""
    with filled(target, notes(count)) as (_, peer):
        need_uidl(peer)
        verify_equal("the numbers in UIDL", expected=list(range(1, count + 1)), actual=list(peer.uidl()))


@requirement(
    "rfc1939/7/unique-ids-differ",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"UIDL", Rewrite.from_server(_LISTING, rb"\g<1>same")),
)
@given(count=st.integers(2, 6))
def test_unique_ids_differ(target: Target, count: int) -> None:
    """No two messages that differ have the same unique-id."""
    with filled(target, notes(count)) as (_, peer):
        need_uidl(peer)
        found = list(peer.uidl().values())
        verify(len(set(found)) == count, expected=f"{count} different unique-ids", actual=found)


@requirement(
    "rfc1939/7/uidl-one",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"UIDL [0-9]", Rewrite.from_server(rb"\A(\+OK [0-9]+ [!-~]+)", rb"\1 octets")),
)
@given(count=st.integers(1, 4))
def test_uidl_of_one_message_is_its_listing(target: Target, count: int) -> None:
    """UIDL with a number is answered by that number and the unique-id that UIDL lists, and nothing more."""
    with filled(target, notes(count)) as (_, peer):
        need_uidl(peer)
        for number, unique_id in peer.uidl().items():
            response = peer.command(f"UIDL {number}")
            verify_ok(response)
            verify_equal(f"UIDL {number}", expected=b"%d %b" % (number, unique_id), actual=response.text)


@requirement(
    "rfc1939/7/uidl-no-such-message",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"UIDL", Rewrite.from_client(rb"\AUIDL [0-9]+", b"UIDL 1")),
)
@given(number=st.sampled_from([0, 2, 3, 2**31, 2**32 + 1, 2**64 + 1]))
def test_uidl_of_no_message_is_refused(target: Target, number: int) -> None:
    """UIDL of a number without a message, or of one that is marked as deleted, is answered with -ERR."""
    with filled(target, notes(2)) as (_, peer):
        need_uidl(peer)
        verify_ok(peer.dele(2))
        verify_refused(peer.command(f"UIDL {number}"), "there is no such message")
        verify_ok(peer.command("UIDL 1"), "this one is there")
        verify_ok(peer.rset())


@requirement(
    "rfc1939/7/uidl-without-deleted",
    level=PROSE,
    needs={_DROP},
    refuted_by=FirstAnswer(rb"UIDL"),
)
@given(deleted=st.sets(st.integers(1, 4), min_size=1))
def test_uidl_lists_no_deleted_messages(target: Target, deleted: set[int]) -> None:
    """UIDL leaves out what is marked as deleted, and after RSET it lists as before."""
    with filled(target, notes(4)) as (_, peer):
        need_uidl(peer)
        before = peer.uidl()
        for number in deleted:
            verify_ok(peer.dele(number))
        expected = {number: name for number, name in before.items() if number not in deleted}
        verify_equal("UIDL after DELE", expected=expected, actual=peer.uidl())
        verify_ok(peer.rset())
        verify_equal("UIDL after RSET", expected=before, actual=peer.uidl())


@requirement(
    "rfc1939/7/unique-id-persists",
    level=PROSE,
    needs={_DROP},
    refuted_by=BySession(_salted),
)
@given(endings=st.lists(st.sampled_from(["quit", "lost", "delete"]), min_size=1, max_size=3))
def test_unique_ids_persist(target: Target, endings: list[str]) -> None:
    """However sessions end, with a removal or none, with QUIT or not, what is left keeps its unique-id."""
    with filled(target, notes(4)) as (maildrop, first):
        need_uidl(first)
        need_retention(first)
        peer = first
        known = names_of(peer)
        for ending in endings:
            if ending == "delete":
                known.pop(contents(peer)[0])
                verify_ok(peer.dele(1))
            if ending == "lost":
                verify_ok(peer.noop())
                peer.close()
            else:
                verify_ok(peer.quit())
                peer.close()
            peer = reopen(maildrop, target.wait_s)
            now = names_of(peer)
            verify_equal("the unique-ids of the messages", expected=known, actual=now)
        verify_ok(peer.quit())


@requirement(
    "rfc1939/7/unique-id-not-reused",
    level=SHOULD,
    needs={_DROP},
    refuted_by=While(rb"UIDL", Rewrite.from_server(rb"^(?:\+OK )?([0-9]+ )[!-~]+(?=\r\n)", rb"\1first")),
)
@given(rounds=st.integers(2, 4))
def test_unique_ids_are_not_reused(target: Target, rounds: int) -> None:
    """A message that comes after another has been removed has a unique-id that was never seen."""
    seen: list[bytes] = []
    with target.maildrop() as maildrop:
        for message in notes(rounds):
            maildrop.put(message)
            with maildrop.open() as peer:
                need_uidl(peer)
                seen += peer.uidl().values()
                verify_ok(peer.dele(1))
                verify_ok(peer.quit())
        verify(len(set(seen)) == rounds, expected=f"{rounds} different unique-ids", actual=seen)


@requirement(
    "rfc1939/7/unique-id-of-later-mail",
    level=PROSE,
    needs={_DROP, Need.IMAP},
    refuted_by=BySession(
        lambda session: While(
            rb"UIDL", Rewrite.from_server(rb"^([0-9]+ )[!-~]+(?=\r\n)", rb"\g<1>%d" % (session % 2))
        )
    ),
)
@given(count=st.integers(1, 3))
def test_later_mail_changes_no_unique_id(target: Target, count: int) -> None:
    """New mail, and a look by IMAP, leave the unique-ids of the others alone."""
    with filled(target, notes(2)) as (maildrop, peer):
        need_uidl(peer)
        before = peer.uidl()
        verify_ok(peer.quit())
        maildrop.put(notes(count))
        with target.imap(maildrop.account) as imap:
            verify_ok(imap.select("INBOX"), "every account has an INBOX")
        with maildrop.open() as other:
            now = other.uidl()
            verify_equal("unique-ids", expected=before, actual={number: now[number] for number in (1, 2)})
            verify_equal("how many there are", expected=2 + count, actual=len(now))
