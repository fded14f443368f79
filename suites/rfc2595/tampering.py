"""A server that keeps what came in clear behind STLS: the refutation for the injection check."""

from harness.transport.tamper import Tamperer

_COMMAND = b"STLS\r\n"


class Injected:
    """Carries out under TLS what came in one packet with STLS."""

    def open(self) -> Tamperer:
        """Return a tamperer for one connection."""
        return _Injected()


class _Injected:
    def __init__(self) -> None:
        self._kept = b""

    def from_client(self, octets: bytes) -> bytes:
        if octets.startswith(_COMMAND):
            self._kept = octets[len(_COMMAND) :]
            return _COMMAND
        kept, self._kept = self._kept, b""
        return kept + octets

    def from_server(self, octets: bytes) -> bytes:
        return octets
