"""What an IMAP session has come to, as the server's responses have it."""

from harness.peers.faults.imap.dialogue import Command, Response, during
from harness.peers.faults.imap.syntax import mailbox_key


class SessionNotes:
    """Notes what is true of the session before any fault changes it."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.authenticated = False
        self.selected: bytes | None = None
        """The selected mailbox's name, decoded from its string; INBOX in upper case."""
        self.read_only = False
        """Whether it was opened by EXAMINE, or the server says so."""
        self.exists = 0
        """How many messages the selected mailbox has."""

    def _note_response(self, command: Command | None, response: Response) -> None:
        match response.word:
            case b"EXISTS" if response.number is not None:
                self.exists = response.number
            case b"EXPUNGE" if response.number is not None:
                self.exists = max(0, self.exists - 1)
            case b"PREAUTH":
                self.authenticated = True
        if command is not None and response.is_tagged:
            self._note_completion(command, response)

    def _note_completion(self, command: Command, response: Response) -> None:
        if during(command, b"SELECT", b"EXAMINE") and response.word != b"BAD":
            self.selected, self.read_only = None, False
            if response.ok and command.words:
                self.selected = mailbox_key(command.words[0])
                self.read_only = command.verb == b"EXAMINE" or response.code[:1] == [b"READ-ONLY"]
        elif response.ok and during(command, b"CLOSE", b"UNSELECT"):
            self.selected, self.exists = None, 0
        elif response.ok and during(command, b"LOGIN", b"AUTHENTICATE"):
            self.authenticated = True
