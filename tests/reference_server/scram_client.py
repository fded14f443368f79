"""The client's side of SCRAM-SHA-256, written down from RFC 5802 §3 for the tests of the server's side."""

import base64
import hashlib
import hmac


def proof(
    password: str, salt: bytes, iterations: int, *, first_bare: bytes, server_first: bytes, unproven: bytes
) -> bytes:
    """Return what follows `p=`."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    message = b",".join((first_bare, server_first, unproven))
    signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
    return base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature, strict=True)))
