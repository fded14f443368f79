"""Reading for our messages: what is new in an INBOX, whose it is, and its removal.

Only what the run itself put there is counted or removed: it is known by its id, never by its place.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.targets.file import Account
from harness.vocabulary.services import Service
from harness.wire.imap import FetchData, StatusData
from loadtests.ledger import Ledger, Sighting
from loadtests.measuring import Step, WrongReply
from loadtests.messages import ID_FIELD, find_id
from loadtests.sessions import Dialer, ImapSession, Pop3Session

IMAP: Final = (Service.IMAP, Service.IMAPS)
POP3: Final = (Service.POP3, Service.POP3S)
_ID_ITEM: Final = f"BODY.PEEK[HEADER.FIELDS ({ID_FIELD})]".encode("ascii")
_CHUNK: Final = 400
"""UIDs in one command; the line stays far below what servers take (RFC 7162 §4 speaks of 8192 octets)."""
_PAUSE_S: Final = 0.1


@dataclass(slots=True)
class Inbox:
    """What is known of one account's INBOX: where the mail of this run begins."""

    account: Account
    next_uid: int
    """Nothing below this UID has to be looked at again."""


def begin(dialer: Dialer, account: Account) -> Inbox:
    """Note where new mail will begin in the account's INBOX."""
    session = ImapSession(dialer, dialer.endpoint(*IMAP))
    step = Step()
    try:
        session.connect(step)
        session.login(step, account)
        status = step.result(session.client.status("INBOX", b"UIDNEXT")).first(StatusData)
        if status is None or status.uid_next is None:
            raise WrongReply("STATUS without UIDNEXT")
        session.logout(step)
        return Inbox(account, status.uid_next)
    finally:
        session.end()


def fetch_ids(client: ImapClient, step: Step, first_uid: int) -> Result:
    """Fetch the ids of what lies from `first_uid` on in the selected mailbox."""
    return step.result(client.uid_fetch(b"%d:*" % first_uid, b"(UID " + _ID_ITEM + b")"))


def ids_of(result: Result, first_uid: int) -> dict[int, str | None]:
    """Return the UIDs in what `fetch_ids` got, each with its id if it is a message of ours."""
    found: dict[int, str | None] = {}
    for data in result.all(FetchData):
        # The last message always answers to `n:*`, even with a UID below n (RFC 9051 §9, seq-range); and what
        # others do to flags comes as FETCH too, without our item.
        if data.uid is not None and data.uid >= first_uid and data.has(_ID_ITEM):
            found[data.uid] = find_id((data.section(_ID_ITEM) or b"") + b"\r\n")
    return found


def remove(client: ImapClient, step: Step, uids: Sequence[int]) -> None:
    """Remove messages from the selected mailbox, and nobody else's where the server has UIDPLUS."""
    for start in range(0, len(uids), _CHUNK):
        chunk = uids[start : start + _CHUNK]
        step.result(client.uid_store(chunk, b"+FLAGS.SILENT", [rb"\Deleted"]))
        step.result(client.uid_expunge(chunk) if client.offers("UIDPLUS") else client.expunge())


def sweep_inbox(dialer: Dialer, ledger: Ledger, inbox: Inbox, deadline: float) -> int:
    """Look for the run's messages in an INBOX until none is awaited or time is up; remove and count them."""
    session = ImapSession(dialer, dialer.endpoint(*IMAP))
    step = Step()
    removed = 0
    try:
        session.connect(step)
        session.login(step, inbox.account)
        step.result(session.client.select("INBOX"))
        while True:
            ours = []
            result = fetch_ids(session.client, step, inbox.next_uid)
            for uid, message_id in ids_of(result, inbox.next_uid).items():
                inbox.next_uid = max(inbox.next_uid, uid + 1)
                if message_id is None:
                    continue
                if ledger.see(message_id, f"{inbox.account.address} {uid}") is not Sighting.FOREIGN:
                    ours.append(uid)
            remove(session.client, step, ours)
            removed += len(ours)
            if not ledger.awaited(inbox.account.address) or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
            step.result(session.client.noop())
        session.logout(step)
    finally:
        session.end()
    return removed


def sweep_maildrop(dialer: Dialer, ledger: Ledger, account: Account, deadline: float) -> int:
    """Do the same by POP3, where a session sees only what was there when it began (RFC 1939 §4)."""
    removed = 0
    passed_over: set[bytes] = set()
    while True:
        session = Pop3Session(dialer, dialer.endpoint(*POP3))
        step = Step()
        try:
            session.connect(step)
            session.login(step, account)
            for number, unique_id in session.client.uidl().items():
                if unique_id in passed_over:
                    continue
                message_id = find_id(step.response(session.client.retr(number)).body)
                place = f"{account.address} {unique_id.decode('ascii', 'replace')}"
                if message_id is None or ledger.see(message_id, place) is Sighting.FOREIGN:
                    passed_over.add(unique_id)
                    continue
                step.response(session.client.dele(number))
                removed += 1
            session.quit(step)
        finally:
            session.end()
        if not ledger.awaited(account.address) or time.monotonic() > deadline:
            return removed
        time.sleep(_PAUSE_S)
