"""The exception tree: refusals are values, silence is an event, only confusion is an exception."""


class MailproofError(Exception):
    """The root of everything that mailproof raises on purpose; its text is one clear line."""


class LocalProtocolError(MailproofError):
    """We were about to send something that our own rules forbid: the caller erred, not the peer."""


class RemoteProtocolError(MailproofError):
    """The peer sent octets that no reading of the grammar allows.

    `expected` says what the grammar asks, `octets` is what came, and `offset` is where in `octets` the
    reading stopped.
    """

    def __init__(self, expected: str, octets: bytes, offset: int = 0) -> None:
        self.expected = expected
        self.octets = octets
        self.offset = offset
        super().__init__(expected, octets, offset)

    def __str__(self) -> str:
        start = max(0, self.offset - 40)
        shown = self.octets[start : self.offset + 60]
        return f"expected {self.expected}, got {shown!r} (stopped at octet {self.offset})"


class TransportError(MailproofError):
    """The byte stream under the protocol failed."""


class PeerClosed(TransportError):
    """The peer ended the connection while something was still awaited."""


class ReplyTimeout(TransportError):
    """The peer stayed silent for longer than the set time-out."""


class ConnectFailed(TransportError):
    """No connection came about: refused, unreachable, or no such name."""


class TlsFailed(TransportError):
    """The TLS handshake or the verification of the certificate failed."""


class TargetFileError(MailproofError):
    """A target file cannot be used; the text names the file, the key and the mend."""


class UsageError(MailproofError):
    """The command line asks for something that does not exist; the text says how to mend it."""
