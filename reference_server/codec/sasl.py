"""The server's side of SASL (RFC 4422): PLAIN, LOGIN and SCRAM-SHA-256, for all protocols.

An exchange knows no protocol: the session carries challenges and responses in its own form (`334 `, `+ `),
base64 as all three of them demand. It ends with one of the outcomes below; for PLAIN and LOGIN the session
then has the password verified, SCRAM has proven it by itself.

    exchange = Exchange("PLAIN", store.scram_keys)
    step = exchange.step(initial_response)      # None: the client sent none
    while isinstance(step, Challenge):
        step = exchange.step(<the client's decoded answer>)
    match step: PasswordLogin(...) | Proven(...) | Denied(...)
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

MECHANISMS: Final = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""What `Exchange` speaks. PLAIN and LOGIN show the password to whoever listens, SCRAM does not."""

PLAINTEXT_MECHANISMS: Final = frozenset({"PLAIN", "LOGIN"})

CLIENT_FIRST: Final = frozenset({"PLAIN", "SCRAM-SHA-256"})
"""Those that may have an initial response (RFC 4422 §3); others are to be refused with one (RFC 5034 §4)."""

RESPONSE_LIMIT_OCTETS: Final = 12_288
"""The longest base64 line that is worth reading (RFC 4954 §4 names this figure)."""


_NAME_LIMIT_OCTETS: Final = 1024
"""Longer names are no addresses, and to prepare one of 12 KiB holds everybody up for a tenth of a second."""


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps for SCRAM-SHA-256 instead of the password (RFC 5802 §3)."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


KeysOf = Callable[[str], tuple[Any, ScramKeys]]
"""Gives account and keys of a login; for an unknown one None, with keys that no proof fits."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """To be sent, base64-coded; the client's answer goes to `step`."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """The client says who it is; the session verifies the password."""

    login: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """The client has proven that it knows the password."""

    account: Any


@dataclass(frozen=True, slots=True)
class Denied:
    """The exchange has failed."""

    why: str
    malformed: bool = False
    """The client broke the mechanism's grammar, rather than failed to prove itself."""


Outcome = PasswordLogin | Proven | Denied
Dialogue = Generator[bytes, bytes, Outcome]


class Exchange:
    """One run of a mechanism; `step` takes the client's responses, base64 undone."""

    def __init__(self, mechanism: str, keys_of: KeysOf, *, nonce: str | None = None) -> None:
        self._dialogue = _DIALOGUES[mechanism](keys_of, nonce or secrets.token_urlsafe(18))
        self._wants_response = mechanism in CLIENT_FIRST
        self._started = False

    def step(self, response: bytes | None) -> Challenge | Outcome:
        """Go on with the client's response; at first with its initial response, or None."""
        try:
            if not self._started:
                self._started = True
                challenge = next(self._dialogue)
                if response is None:
                    return Challenge(b"" if self._wants_response else challenge)
                return Challenge(self._dialogue.send(response))
            return Challenge(self._dialogue.send(response or b""))
        except StopIteration as stop:
            outcome: Outcome = stop.value
            return outcome


def decode_base64(line: bytes) -> bytes | None:
    """Undo base64 strictly: nothing foreign, right padding, no bits left over; else None."""
    try:
        octets = base64.b64decode(line, validate=True)
    except binascii.Error:
        return None
    return octets if base64.b64encode(octets) == line else None


def decode_initial_response(argument: bytes) -> bytes | None:
    """Undo the form of an initial response, where `=` stands for an empty one (RFC 4954 §4, RFC 5034 §4)."""
    return b"" if argument == b"=" else decode_base64(argument)


def text(octets: bytes) -> str:
    """Return what a client sent as a login or password; octets that are no UTF-8 are kept apart, not lost."""
    return octets.decode("utf-8", "surrogateescape")


# message = [authzid] UTF8NUL authcid UTF8NUL passwd (RFC 4616 §2)
def _plain(keys_of: KeysOf, _nonce: str) -> Dialogue:
    fields = (yield b"").split(b"\0")
    if len(fields) != 3 or not fields[1] or not fields[2]:
        return Denied("expected authzid NUL authcid NUL password", malformed=True)
    authorize, login, password = (text(octets) for octets in fields)
    if not _is_same(authorize, login, keys_of):
        return Denied("not allowed to act for somebody else")
    return PasswordLogin(login, password)


# No RFC; the prompts are those of draft-murchison-sasl-login.
def _login(_keys_of: KeysOf, _nonce: str) -> Dialogue:
    login = yield b"Username:"
    password = yield b"Password:"
    if not login or not password:
        return Denied("expected a name and a password", malformed=True)
    return PasswordLogin(text(login), text(password))


# client-first-message = gs2-header client-first-message-bare (RFC 5802 §7)
_CLIENT_FIRST_MESSAGE: Final = re.compile(
    rb"(?P<gs2>(?P<binding>n|y|p=[A-Za-z0-9.-]+),(?:a=(?P<authorize>[^,\0]+))?,)"
    rb"(?P<bare>(?P<mandatory>m=[^,]*,)?n=(?P<login>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
# client-final-message = channel-binding "," nonce ["," extensions] "," proof
_CLIENT_FINAL_MESSAGE: Final = re.compile(
    rb"(?P<unproven>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    rb",p=(?P<proof>[A-Za-z0-9+/=]+)"
)


@dataclass(frozen=True, slots=True)
class _ClientFirst:
    gs2: bytes
    bare: bytes
    authorize: str
    login: str
    nonce: bytes


def _read_client_first(message: bytes) -> "_ClientFirst | Denied":
    found = _CLIENT_FIRST_MESSAGE.fullmatch(message)
    if found is None:
        return Denied("expected a client-first-message", malformed=True)
    if found["mandatory"] is not None:
        return Denied("extensions-not-supported")
    if found["binding"].startswith(b"p"):
        return Denied("channel-binding-not-supported")
    if len(found["login"]) > _NAME_LIMIT_OCTETS or len(found["authorize"] or b"") > _NAME_LIMIT_OCTETS:
        return Denied("the name is too long", malformed=True)
    login = _saslname(found["login"])
    authorize = _saslname(found["authorize"] or b"")
    if login is None or authorize is None:
        return Denied("invalid-username-encoding", malformed=True)
    return _ClientFirst(found["gs2"], found["bare"], authorize, login, found["nonce"])


def _proves(proof: bytes, auth_message: bytes, keys: ScramKeys) -> bool:
    """Whether the proof shows knowledge of the ClientKey (RFC 5802 §3)."""
    signature = hmac.digest(keys.stored_key, auth_message, "sha256")
    octets = decode_base64(proof) or b""
    client_key = bytes(a ^ b for a, b in zip(octets, signature, strict=False))
    fits = hmac.compare_digest(hashlib.sha256(client_key).digest(), keys.stored_key)
    return fits and len(octets) == len(signature)


def _scram(keys_of: KeysOf, nonce: str) -> Dialogue:
    first = _read_client_first((yield b""))
    if isinstance(first, Denied):
        return first
    account, keys = keys_of(prepare(first.login))
    full_nonce = first.nonce + nonce.encode("ascii")
    server_first = b"r=%b,s=%b,i=%d" % (full_nonce, base64.b64encode(keys.salt), keys.iterations)
    final = _CLIENT_FINAL_MESSAGE.fullmatch((yield server_first))
    if final is None:
        return Denied("expected a client-final-message", malformed=True)
    auth_message = b",".join((first.bare, server_first, final["unproven"]))
    proven = _proves(final["proof"], auth_message, keys)
    agreed = final["nonce"] == full_nonce and final["binding"] == base64.b64encode(first.gs2)
    if not proven or not agreed or account is None:
        return Denied("invalid-proof")
    if not _is_same(first.authorize, first.login, keys_of):
        return Denied("not allowed to act for somebody else")
    # The client checks this signature; its answer to it carries nothing (RFC 5802 §3, RFC 5034 §4).
    if (yield b"v=" + base64.b64encode(hmac.digest(keys.server_key, auth_message, "sha256"))):
        return Denied("expected an empty response", malformed=True)
    return Proven(account)


_DIALOGUES: Final[dict[str, Callable[[KeysOf, str], Dialogue]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "SCRAM-SHA-256": _scram,
}


def _is_same(authorize: str, login: str, keys_of: KeysOf) -> bool:
    """Whether the client wants to act for itself only."""
    if authorize in {"", login}:
        return True
    account, _ = keys_of(authorize)
    return account is not None and account == keys_of(login)[0]


# saslname = 1*(value-safe-char / "=2C" / "=3D") (RFC 5802 §7)
def _saslname(octets: bytes) -> str | None:
    if re.fullmatch(rb"(?:[^=]|=2C|=3D)*", octets, re.DOTALL) is None:
        return None
    try:
        return octets.replace(b"=2C", b",").replace(b"=3D", b"=").decode()
    except UnicodeDecodeError:
        return None


def make_scram_keys(password: str, salt: bytes, iterations: int) -> ScramKeys:
    """Derive the keys of a prepared password (RFC 5802 §3); slow on purpose."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "surrogateescape"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return ScramKeys(
        salt=salt,
        iterations=iterations,
        stored_key=hashlib.sha256(client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )


_PROHIBITED: Final = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepare(string: str) -> str:
    """Apply SASLprep (RFC 4013), so that one password typed on two keyboards is one password.

    What SASLprep prohibits is left as it is: such a password still fits itself.
    """
    if string.isascii() and string.isprintable():
        return string
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in string
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibits(character) for character in prepared for prohibits in _PROHIBITED):
        return string
    if any(stringprep.in_table_d1(character) for character in prepared):
        ends_right_to_left = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if not ends_right_to_left or any(stringprep.in_table_d2(character) for character in prepared):
            return string
    return prepared
