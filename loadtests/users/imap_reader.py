"""Readers by IMAP: a folder of mail, looked at in pages, read, flagged and searched."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from locust import task

from harness.targets.file import Account
from harness.wire.imap import FetchData, StatusData
from loadtests.measuring import Step
from loadtests.messages import Message, fingerprint
from loadtests.sessions import ImapSession
from loadtests.sweep import IMAP, fetch_ids, ids_of
from loadtests.users.base import MailUser

HEADER_FIELDS = (
    b"BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References "
    b"Newsgroups In-Reply-To Content-Type Reply-To)]"
)
"""What Thunderbird asks for of each new message."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that the user put into its folder."""

    uid: int
    message: Message


class ImapReaderUser(MailUser):
    """Makes a folder of its own, fills it by APPEND, and reads in it; in the end the folder is removed.

    A caching client in the words of the field: each list asks for one page, bodies are fetched one by one.
    """

    kind = "imap-reader"

    def begin(self) -> None:
        """Make and fill the folder."""
        load = self.load
        self.account: Account = load.next_account()
        self.session = ImapSession(load.dialer, load.dialer.endpoint(*IMAP))
        self.folder = f"mailproof-load-{load.ledger.new_id()}".replace(".", "-")
        self.stored: list[Stored] = []
        knob = load.profile.knob
        self.page = int(knob("page"))
        self.choices: list[tuple[float, Callable[[], None]]] = [
            (knob("weight_list"), self.list_page),
            (knob("weight_body"), self.read_body),
            (knob("weight_flag"), self.set_flag),
            (knob("weight_search"), self.search),
            (knob("weight_status"), self.ask_status),
        ]
        self._connect()
        with self.measured("IMAP", "CREATE", self.session) as step:
            step.result(self.session.client.create(self.folder))
        load.at_end(partial(self.remove_folder, self.account, self.folder))
        self._fill(int(knob("messages")))

    def _connect(self) -> None:
        with self.measured("IMAP", "connect", self.session) as step:
            self.session.connect(step)
        with self.measured("IMAP", "LOGIN", self.session) as step:
            self.session.login(step, self.account)
        self.draw_acts(self.session)

    def _fill(self, count: int) -> None:
        """Append the messages, and learn their UIDs, by APPENDUID or by what SELECT and SEARCH say."""
        messages = []
        for _ in range(count):
            message = self.load.compose(self.account)
            self.load.ledger.send(message, self.folder)
            with self.measured("IMAP", "APPEND", self.session) as step:
                result = self.session.client.append(self.folder, message.octets)
                if result.ok:
                    self.load.ledger.accept(message)
                else:
                    self.load.ledger.refuse(message)
                step.result(result)
            messages.append(message)
        self._select()
        with self.measured("IMAP", "SEARCH", self.session) as step:
            uids = sorted(step.result(self.session.client.uid_search(b"ALL")).numbers)
            if len(uids) != len(messages):
                step.wrong("SEARCH ALL finds another number of messages than were appended")
        # Only this user writes into the folder: the UIDs are in the order of APPEND (RFC 9051 §2.3.1.1).
        self.stored = [Stored(uid, message) for uid, message in zip(uids, messages, strict=True)]

    def _select(self) -> None:
        with self.measured("IMAP", "SELECT", self.session) as step:
            step.result(self.session.client.select(self.folder))
            selected = self.session.client.selected
            if self.stored and (selected is None or selected.exists != len(self.stored)):
                step.wrong("SELECT with another number of messages than are there")

    @task
    def act(self) -> None:
        """Do one thing; a session that has done its share ends, and another begins."""
        if not self.session.is_open:
            self._connect()
            self._select()
        self.session.acts_left -= 1
        weights = [weight for weight, _ in self.choices]
        ((_, choice),) = self.load.random.choices(self.choices, weights)
        choice()
        if self.session.acts_left <= 0:
            with self.measured("IMAP", "LOGOUT", self.session) as step:
                self.session.logout(step)

    def list_page(self) -> None:
        """Fetch what a list of messages shows, for one page."""
        start = self.load.random.randrange(max(1, len(self.stored) - self.page + 1))
        page = self.stored[start : start + self.page]
        uids = [stored.uid for stored in page]
        with self.measured("IMAP", "FETCH page", self.session) as step:
            items = b"(UID RFC822.SIZE FLAGS " + HEADER_FIELDS + b")"
            result = step.result(self.session.client.uid_fetch(uids, items))
            sizes = {data.uid: data.size for data in result.all(FetchData) if data.section(HEADER_FIELDS)}
            # Messages never change (RFC 9051 §2.3.4), and nobody adds a trace field on APPEND.
            if any(sizes.get(stored.uid) != len(stored.message.octets) for stored in page):
                step.wrong("FETCH of a page with messages missing or of another size")

    def read_body(self) -> None:
        """Fetch one message whole and compare it with what was appended."""
        stored = self.load.random.choice(self.stored)
        with self.measured("IMAP", "FETCH message", self.session) as step:
            result = step.result(self.session.client.uid_fetch(stored.uid, b"(UID BODY.PEEK[])"))
            octets = {data.uid: data.message for data in result.all(FetchData)}.get(stored.uid)
            if octets is None:
                step.wrong("FETCH without the message")
            self.load.ledger.see(stored.message.message_id, f"{self.folder} {stored.uid}", octets)
            if fingerprint(octets) != stored.message.print:
                step.wrong("other octets than were appended")

    def set_flag(self) -> None:
        """Mark one message as seen or unseen."""
        stored = self.load.random.choice(self.stored)
        sign = self.load.random.choice([b"+FLAGS", b"-FLAGS"])
        with self.measured("IMAP", "STORE", self.session) as step:
            step.result(self.session.client.uid_store(stored.uid, sign, [rb"\Seen"]))

    def search(self) -> None:
        """Ask which messages are unseen."""
        with self.measured("IMAP", "SEARCH", self.session) as step:
            found = step.result(self.session.client.uid_search(b"UNSEEN")).numbers
            if not set(found) <= {stored.uid for stored in self.stored}:
                step.wrong("SEARCH finds messages that are not there")

    def ask_status(self) -> None:
        """Ask for news of the INBOX, as clients do for folders that are not open."""
        with self.measured("IMAP", "STATUS", self.session) as step:
            result = step.result(self.session.client.status("INBOX", b"UIDNEXT MESSAGES UNSEEN"))
            if result.first(StatusData) is None:
                step.wrong("STATUS without what was asked for")

    def remove_folder(self, account: Account, folder: str) -> None:
        """Count what is in the folder for the ledger, and delete it; called when all users have stopped."""
        session = ImapSession(self.load.dialer, self.session.endpoint)
        step = Step()
        try:
            session.connect(step)
            session.login(step, account)
            step.result(session.client.select(folder))
            for uid, message_id in ids_of(fetch_ids(session.client, step, 1), 1).items():
                if message_id is not None:
                    self.load.ledger.see(message_id, f"{folder} {uid}")
            step.result(session.client.close())
            step.result(session.client.delete(folder))
            session.logout(step)
        finally:
            session.end()

    def finish(self) -> None:
        """Close the connection."""
        self.session.end()
