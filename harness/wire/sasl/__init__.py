"""SASL mechanisms as a client runs them (RFC 4422), the same for SMTP, POP3 and IMAP."""

from harness.wire.sasl.base64 import decode_base64, encode_base64
from harness.wire.sasl.login import Login
from harness.wire.sasl.mechanism import MECHANISMS, Exchange, begin_exchange
from harness.wire.sasl.plain import Plain
from harness.wire.sasl.scram import ScramSha256

__all__ = [
    "MECHANISMS",
    "Exchange",
    "Login",
    "Plain",
    "ScramSha256",
    "begin_exchange",
    "decode_base64",
    "encode_base64",
]
