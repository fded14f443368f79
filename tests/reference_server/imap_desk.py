"""An IMAP client's hands for tests: sessions over a real store, without sockets."""

from driver import Driver

from reference_server.session.base import Peer
from reference_server.session.imap.session import ImapSession
from reference_server.session.imap.settings import ImapSettings
from reference_server.store import Store

MESSAGE = b"From: Fred <fred@one.test>\r\nTo: alice@one.test\r\nSubject: lunch\r\n\r\nAt noon?\r\n"


class ImapPeer(Driver):
    """A session and a client that numbers its commands."""

    session: ImapSession

    def __init__(self, store: Store, settings: ImapSettings | None = None, *, secure: bool = True) -> None:
        peer = Peer("192.0.2.1", 4711, secure=secure)
        super().__init__(ImapSession(peer, settings=settings or ImapSettings(), store=store), store)

    def ask(self, command: bytes, tag: bytes = b"a") -> list[bytes]:
        """Send one command; the lines of the answer, the tagged one last and without its tag."""
        said = self.send(tag + b" " + command + b"\r\n")
        assert said.endswith(b"\r\n")
        lines = said[:-2].split(b"\r\n")
        assert lines[-1].startswith(tag + b" "), said
        return [*lines[:-1], lines[-1][len(tag) + 1 :]]

    def ok(self, command: bytes) -> list[bytes]:
        """Send a command that must succeed; its untagged lines."""
        lines = self.ask(command)
        assert lines[-1].startswith(b"OK"), lines
        return lines[:-1]

    def word(self, command: bytes) -> bytes:
        """Send a command; the first word of its tagged response, with a code if there is one."""
        words = self.ask(command)[-1].split(b" ")
        return b" ".join(words[:2]) if words[1].startswith(b"[") else words[0]

    def append(self, message: bytes = MESSAGE, mailbox: bytes = b"INBOX", rest: bytes = b"") -> bytes:
        """APPEND a message; the tagged response."""
        return self.ask(b"APPEND %s %s{%d+}\r\n%s" % (mailbox, rest, len(message), message))[-1]


def log_in(store: Store, login: bytes = b"alice", password: bytes = b"correct horse") -> ImapPeer:
    """Return a session in the authenticated state."""
    peer = ImapPeer(store)
    peer.ok(b'LOGIN %s "%s"' % (login, password))
    return peer


def select(store: Store, mailbox: bytes = b"INBOX", *, messages: int = 0) -> ImapPeer:
    """Return a session that has selected a mailbox with new messages."""
    peer = log_in(store)
    for _ in range(messages):
        peer.append(mailbox=mailbox)
    peer.ok(b"SELECT " + mailbox)
    return peer
