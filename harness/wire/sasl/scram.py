"""SCRAM-SHA-256: proving the password without telling it, and the server proving itself (RFC 5802, RFC 7677).

Without channel binding ("n"). Login and password are taken as they are: mailproof's accounts are ASCII,
which SASLprep (RFC 4013) leaves unchanged.
"""

import hashlib
import hmac
import re
import secrets
from enum import StrEnum

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.wire.sasl.base64 import decode_base64, encode_base64

_GS2_HEADER = b"n,,"
_NONCE_OCTETS = 18
MAX_ITERATIONS = 1_000_000
"""Our own bound on the work that a server can ask of us; RFC 7677 §4 recommends 4096 or more."""

# server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
# nonce           = "r=" c-nonce [s-nonce]          ; printable ASCII except ","
# salt            = "s=" base64
# iteration-count = "i=" posit-number               ; RFC 5802 §7
_SERVER_FIRST = re.compile(rb"r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]*)(?:,[A-Za-z]=[^,\0]+)*")
# server-final-message = (server-error / verifier) ["," extensions]
# server-error    = "e=" server-error-value
# verifier        = "v=" base64                     ; RFC 5802 §7
_SERVER_ERROR = re.compile(rb"e=[^,\0]+(?:,[A-Za-z]=[^,\0]+)*")
_SERVER_FINAL = re.compile(rb"v=([A-Za-z0-9+/=]+)(?:,[A-Za-z]=[^,\0]+)*")


class _Stage(StrEnum):
    START = "start"
    FIRST_SENT = "client-first-message sent"
    FINAL_SENT = "client-final-message sent"
    VERIFIED = "server signature verified"
    REFUSED = "server error received"


class ScramSha256:
    """One SCRAM-SHA-256 exchange; `nonce` is for the RFC's example, random otherwise."""

    def __init__(self, login: str, password: str, nonce: bytes | None = None) -> None:
        self._password = password.encode()
        self._nonce = nonce or encode_base64(secrets.token_bytes(_NONCE_OCTETS))
        self._first_bare = b"n=%s,r=%s" % (encode_saslname(login), self._nonce)
        self._server_signature = b""
        self._stage = _Stage.START

    def initial_response(self) -> bytes:
        """Return the client-first-message."""
        self._stage = _Stage.FIRST_SENT
        return _GS2_HEADER + self._first_bare

    def respond(self, challenge: bytes) -> bytes:
        """Answer the server's message, whichever is due."""
        match self._stage:
            case _Stage.START if not challenge:
                return self.initial_response()
            case _Stage.FIRST_SENT:
                return self._client_final(challenge)
            case _Stage.FINAL_SENT:
                self._read_server_final(challenge)
                return b""
            case _:
                raise RemoteProtocolError(f"no challenge in the state {self._stage!r}", challenge)

    def verify_success(self) -> None:
        """Raise unless the server has shown that it knows the password's keys (RFC 5802 §5)."""
        if self._stage is not _Stage.VERIFIED:
            raise RemoteProtocolError("the server signature v=... before success (RFC 5802 §5)", b"")

    def _client_final(self, server_first: bytes) -> bytes:
        """Return the client-final-message, and keep the signature that the server owes for it."""
        found = _SERVER_FIRST.fullmatch(server_first)
        if found is None:
            raise RemoteProtocolError(
                "the server-first-message r=...,s=...,i=... (RFC 5802 §7)", server_first
            )
        nonce, salt, iterations = found[1], decode_base64(found[2]), int(found[3])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise RemoteProtocolError(
                "the client's nonce with more after it (RFC 5802 §5.1)", server_first, 2
            )
        if iterations > MAX_ITERATIONS:
            raise RemoteProtocolError(
                f"at most {MAX_ITERATIONS} iterations (mailproof's bound)", server_first, found.start(3)
            )
        without_proof = b"c=%s,r=%s" % (encode_base64(_GS2_HEADER), nonce)
        auth_message = b",".join((self._first_bare, server_first, without_proof))

        # SaltedPassword  := Hi(Normalize(password), salt, i)
        # ClientProof     := ClientKey XOR HMAC(H(ClientKey), AuthMessage)
        # ServerSignature := HMAC(HMAC(SaltedPassword, "Server Key"), AuthMessage)      ; RFC 5802 §3
        salted_password = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        client_key = _hmac(salted_password, b"Client Key")
        client_signature = _hmac(hashlib.sha256(client_key).digest(), auth_message)
        proof = bytes(a ^ b for a, b in zip(client_key, client_signature, strict=True))
        self._server_signature = _hmac(_hmac(salted_password, b"Server Key"), auth_message)
        self._stage = _Stage.FINAL_SENT
        return b"%s,p=%s" % (without_proof, encode_base64(proof))

    def _read_server_final(self, server_final: bytes) -> None:
        """Verify the server's signature; of `e=...` take note, as the refusal itself is still to come."""
        if _SERVER_ERROR.fullmatch(server_final):
            self._stage = _Stage.REFUSED
            return
        found = _SERVER_FINAL.fullmatch(server_final)
        if found is None or not hmac.compare_digest(decode_base64(found[1]), self._server_signature):
            expected = f"v={encode_base64(self._server_signature).decode()} (RFC 5802 §5)"
            raise RemoteProtocolError(expected, server_final, 2)
        self._stage = _Stage.VERIFIED


def encode_saslname(name: str) -> bytes:
    """Return `name` as a saslname: `,` and `=` become `=2C` and `=3D` (RFC 5802 §5.1)."""
    if not name or "\0" in name:
        raise LocalProtocolError(f"a saslname has at least one character and no NUL: {name!r}")
    return name.replace("=", "=3D").replace(",", "=2C").encode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
