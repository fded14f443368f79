"""What the responses say about the session: state, capabilities, selected mailbox (RFC 9051 §3, §5.2, §7).

The tracker also raises `RemoteProtocolError` where a response contradicts what the server has said before:
state that a client keeps is only as good as the server's account of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import Condition, SessionState
from harness.wire.imap.mailbox_data import Capability, Enabled, Exists, Expunge, Flags, Recent, Vanished
from harness.wire.imap.responses import Continuation, Data, Response
from harness.wire.imap.status import ResponseCode, Status

_TRACKED = frozenset({b"EXISTS", b"RECENT", b"EXPUNGE", b"FLAGS", b"CAPABILITY", b"ENABLED", b"VANISHED"})

_NUMBER_CODES = {
    b"UIDVALIDITY": "uid_validity",
    b"UIDNEXT": "uid_next",
    b"UNSEEN": "unseen",
    b"HIGHESTMODSEQ": "highest_mod_seq",
}


@dataclass(slots=True)
class SelectedMailbox:
    """What is known of the selected mailbox; None where the server has not said it."""

    read_only: bool = False
    exists: int | None = None
    recent: int | None = None
    uid_validity: int | None = None
    uid_next: int | None = None
    unseen: int | None = None
    """The number of the first message without \\Seen, as SELECT told it (RFC 3501 §7.1)."""
    flags: tuple[bytes, ...] = ()
    permanent_flags: tuple[bytes, ...] | None = None
    highest_mod_seq: int | None = None


@dataclass(slots=True)
class SessionTracker:
    """Follows one connection; told of every command sent and every response received, in order."""

    state: SessionState = SessionState.NOT_AUTHENTICATED
    selected: SelectedMailbox | None = None
    capabilities: frozenset[str] | None = None
    """None: not known, or no longer (RFC 9051 §6.2.1, §7.2.2)."""
    enabled: frozenset[str] = frozenset()
    farewell: Status | None = None
    """The BYE."""
    _commands: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    """Tag and words of the commands in progress."""
    _opening: SelectedMailbox | None = None
    """The mailbox that a SELECT or EXAMINE in progress describes."""
    _told_capabilities: bool = False
    """Capabilities came since the last LOGIN or AUTHENTICATE was sent."""

    def greeted(self, greeting: Status) -> None:
        """Take the greeting, which sets the first state (RFC 9051 §7.1)."""
        match greeting.kind:
            case Condition.PREAUTH:
                self.state = SessionState.AUTHENTICATED
            case Condition.BYE:
                self._bye(greeting)
        self._take_code(greeting.code)

    def sent(self, tag: bytes, words: Iterable[bytes]) -> None:
        """Take note of a command: `words` are its name and, for UID, the second, in upper case."""
        self._commands[tag] = tuple(words)
        match self._verb(tag):
            case b"SELECT" | b"EXAMINE":
                self._opening = SelectedMailbox()
            case b"LOGIN" | b"AUTHENTICATE":
                self._told_capabilities = False

    def in_progress(self, tag: bytes) -> bool:
        """Whether the command with this tag has not been completed."""
        return tag in self._commands

    @property
    def is_busy(self) -> bool:
        """Whether any command has not been completed."""
        return bool(self._commands)

    def receive(self, response: Response) -> None:
        """Take a response."""
        match response:
            case Data():
                if response.name in _TRACKED:
                    self._take_data(response)
            case Status(tag=None):
                self._take_untagged(response)
            case Status():
                self._complete(response)
            case Continuation():
                pass

    def after_tls(self) -> None:
        """Forget what was said in clear (RFC 9051 §6.2.1)."""
        self.capabilities = None

    # Data

    def _take_data(self, data: Data) -> None:
        match data.value:
            case Capability(names=names):
                self.capabilities, self._told_capabilities = frozenset(names), True
            case Enabled(names=names):
                self.enabled |= frozenset(names)
            case Exists(count=count):
                self._take_exists(count, data)
            case Recent(count=count):
                if (mailbox := self._opening or self.selected) is not None:
                    mailbox.recent = count
            case Flags(flags=flags):
                if (mailbox := self._opening or self.selected) is not None:
                    mailbox.flags = flags
            case Expunge(number=number):
                self._take_expunge(number, data)
            case Vanished(uids=uids, earlier=False):
                self._remove(len(uids), data)

    def _take_exists(self, count: int, data: Data) -> None:
        if self._opening is not None:
            self._opening.exists = count
        elif self.selected is not None:
            # "If the number of messages shrinks, EXPUNGE says so": RFC 9051 §7.4.1, §7.5.1.
            known = self.selected.exists
            if known is not None and count < known:
                raise RemoteProtocolError(
                    f"EXISTS of at least {known}, as nothing was expunged since", data.octets, 2
                )
            self.selected.exists = count

    def _take_expunge(self, number: int, data: Data) -> None:
        # Until SELECT has described the new mailbox the old one may be spoken of (RFC 9051 §7.1, CLOSED).
        if self._opening is not None and self._opening.exists is None:
            return
        mailbox = self._opening or self.selected
        if mailbox is not None and mailbox.exists is not None and number > mailbox.exists:
            raise RemoteProtocolError(f"EXPUNGE of a message from 1 to {mailbox.exists}", data.octets, 2)
        self._remove(1, data)

    def _remove(self, count: int, data: Data) -> None:
        mailbox = self._opening or self.selected
        if mailbox is None or mailbox.exists is None:
            return
        if count > mailbox.exists:
            raise RemoteProtocolError(f"at most {mailbox.exists} messages to vanish", data.octets, 2)
        mailbox.exists -= count

    # Status

    def _take_untagged(self, status: Status) -> None:
        if status.kind is Condition.PREAUTH:
            raise RemoteProtocolError("PREAUTH only as a greeting", status.octets, 2)
        if status.kind is Condition.BYE:
            self._bye(status)
        self._take_code(status.code)

    def _complete(self, status: Status) -> None:
        assert status.tag is not None
        if status.tag not in self._commands:
            raise RemoteProtocolError("the tag of a command in progress", status.octets)
        verb = self._verb(status.tag)
        del self._commands[status.tag]
        if verb in {b"SELECT", b"EXAMINE"}:
            self._opened(status, read_only=verb == b"EXAMINE")
        self._take_code(status.code)
        if status.kind is not Condition.OK:
            return
        match verb:
            case b"LOGIN" | b"AUTHENTICATE":
                self.state = SessionState.AUTHENTICATED
                if not self._told_capabilities:
                    self.capabilities = None
            case b"CLOSE" | b"UNSELECT":
                self.selected = None
                self.state = SessionState.AUTHENTICATED
            case b"LOGOUT":
                self.selected = None
                self.state = SessionState.LOGOUT

    def _opened(self, status: Status, *, read_only: bool) -> None:
        opening, self._opening = self._opening, None
        match status.kind:
            case Condition.OK:
                self.selected = opening or SelectedMailbox()
                self.selected.read_only = self.selected.read_only or read_only
                self.state = SessionState.SELECTED
            case Condition.NO if self.state is SessionState.SELECTED:
                # A SELECT that fails leaves no mailbox selected (RFC 9051 §6.3.2); at BAD nothing was tried.
                self.selected = None
                self.state = SessionState.AUTHENTICATED

    def _take_code(self, code: ResponseCode | None) -> None:
        if code is None:
            return
        if code.name == b"CAPABILITY" and isinstance(code.value, tuple):
            self.capabilities = frozenset(name for name in code.value if isinstance(name, str))
            self._told_capabilities = True
            return
        if code.name == b"CLOSED" and self._opening is not None:
            # What came before it was about the old mailbox (RFC 9051 §7.1).
            self._opening = SelectedMailbox()
        mailbox = self._opening or self.selected
        if mailbox is None:
            return
        if (attribute := _NUMBER_CODES.get(code.name)) is not None:
            setattr(mailbox, attribute, code.number)
        match code.name:
            case b"PERMANENTFLAGS":
                mailbox.permanent_flags = code.flags
            case b"READ-ONLY":
                mailbox.read_only = True
            case b"READ-WRITE":
                mailbox.read_only = False

    def _bye(self, status: Status) -> None:
        self.farewell = status
        self.state = SessionState.LOGOUT

    def _verb(self, tag: bytes) -> bytes:
        words = self._commands[tag]
        return words[0] if words else b""
