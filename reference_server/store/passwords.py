"""Passwords: argon2id hashes and SCRAM keys, no plaintext, and no telling which logins exist."""

import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from reference_server.codec.sasl import make_scram_keys, prepare
from reference_server.store.values import Account, ScramKeys, Secret

_SALT_OCTETS = 16


def _octets(string: str) -> bytes:
    return string.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a guess at a password costs."""

    argon2_passes: int = 2
    argon2_memory_kib: int = 19_456
    """With two passes, the least that OWASP recommends for argon2id."""
    scram_iterations: int = 4096
    """RFC 7677 §4 asks for at least 4096; the client pays it on every login."""


CHEAP = Cost(argon2_passes=1, argon2_memory_kib=8)
"""For tests and throw-away servers."""


class Passwords:
    """Makes and verifies secrets; every method may be called from any thread."""

    def __init__(
        self,
        login_secret: bytes,
        monotonic_s: Callable[[], float],
        cost: Cost | None = None,
        *,
        remember_s: float = 60.0,
        remember_limit: int = 10_000,
    ) -> None:
        self._cost = cost or Cost()
        self._hasher = PasswordHasher(
            time_cost=self._cost.argon2_passes, memory_cost=self._cost.argon2_memory_kib, parallelism=1
        )
        self._login_secret = login_secret
        self._monotonic_s = monotonic_s
        self._dummy_hash = self._hasher.hash(secrets.token_hex(16))
        self._remember_s = remember_s
        self._remember_limit = remember_limit
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, float] = {}
        """When the memory of a verified password ends, under a keyed hash of it and of the stored hash."""
        self._lock = threading.Lock()

    def secret(self, password: str) -> Secret:
        """Return what is to be kept of a password; takes some ten milliseconds."""
        prepared = prepare(password)
        keys = make_scram_keys(prepared, secrets.token_bytes(_SALT_OCTETS), self._cost.scram_iterations)
        return Secret(password_hash=self._hasher.hash(_octets(prepared)), scram=keys)

    def verify(self, account: Account | None, password: str) -> bool:
        """Whether it is the account's password; for no account, False after the same work."""
        prepared = prepare(password)
        password_hash = account.secret.password_hash if account else self._dummy_hash
        digest = hmac.digest(self._key, password_hash.encode() + b"\0" + _octets(prepared), "sha256")
        now_s = self._monotonic_s()
        if account is not None and self._verified.get(digest, 0.0) > now_s:
            return True
        try:
            self._hasher.verify(password_hash, _octets(prepared))
        except (VerificationError, InvalidHashError):
            return False
        if account is None:
            return False
        self._remember(digest, now_s)
        return True

    def _remember(self, digest: bytes, now_s: float) -> None:
        with self._lock:
            if len(self._verified) >= self._remember_limit:
                self._verified = {kept: end for kept, end in self._verified.items() if end > now_s}
            if len(self._verified) >= self._remember_limit:
                self._verified.clear()
            self._verified[digest] = now_s + self._remember_s

    def unknown_keys(self, login: str, domains: Sequence[str] = ()) -> ScramKeys:
        """Return keys for a login that does not exist: the same at each try, and no proof fits them.

        As with an account, a local part alone has the salt of one whole address: that of one of `domains`.
        """
        login = login.lower()
        if domains and "@" not in login:
            chosen = hmac.digest(self._login_secret, b"domain " + _octets(login), "sha256")
            login = f"{login}@{domains[int.from_bytes(chosen, 'big') % len(domains)]}"
        salt = hmac.digest(self._login_secret, b"salt " + _octets(login), "sha256")
        return ScramKeys(
            salt=salt[:_SALT_OCTETS],
            iterations=self._cost.scram_iterations,
            stored_key=secrets.token_bytes(32),
            server_key=secrets.token_bytes(32),
        )
