"""AUTH on the submission ports (RFC 4954), with the mechanisms of `reference_server.codec.sasl`."""

import base64
from typing import Any

from reference_server.codec.sasl import (
    MECHANISMS,
    Challenge,
    Denied,
    Exchange,
    PasswordLogin,
    Proven,
    decode_base64,
    decode_initial_response,
)
from reference_server.session.base import VerifyPassword
from reference_server.session.smtp.conversation import Conversation, LineTooLong, TooManyErrors
from reference_server.session.smtp.desk import Role
from reference_server.store.errors import StoreUnavailable


async def auth(c: Conversation, argument: bytes | None) -> None:
    """Let the client prove who it is (RFC 4954 §4)."""
    mechanism, _, initial = (argument or b"").partition(b" ")
    name = mechanism.decode("ascii").upper()
    if c.settings.role is not Role.SUBMISSION:
        c.refuse(502, "5.5.1", "AUTH is not offered here")
    elif c.hello_name is None or not c.extended:
        c.refuse(503, "5.5.1", "EHLO comes before AUTH")
    elif c.account is not None:
        c.refuse(503, "5.5.1", "already authenticated")
    elif c.envelope is not None:
        c.refuse(503, "5.5.1", "AUTH is not possible within a mail transaction")
    elif argument is None:
        c.refuse(501, "5.5.4", "AUTH is followed by a mechanism")
    elif not (c.secure or c.settings.clear_logins):
        # RFC 4954 §6: 538 where only TLS is missing.
        c.refuse(538, "5.7.11", "encryption is required for authentication, use STARTTLS")
    elif name not in MECHANISMS:
        c.refuse(504, "5.5.4", "authentication mechanism not known")
    else:
        await _exchange(c, name, initial)


async def _exchange(c: Conversation, mechanism: str, initial: bytes) -> None:
    """Carry challenges and responses to and fro, and judge the outcome."""
    exchange = Exchange(mechanism, c.desk.scram_keys)
    response = decode_initial_response(initial) if initial else None
    if initial and response is None:
        c.refuse(501, "5.5.2", "malformed base64")
        return
    step = exchange.step(response)
    while isinstance(step, Challenge):
        c.outbox += b"334 %b\r\n" % base64.b64encode(step.octets)
        answer = await _response(c)
        if answer is None:
            return
        step = exchange.step(answer)
    match step:
        case PasswordLogin(login, password):
            await _verify(c, login, password)
        case Proven(account):
            _conclude(c, account)
        case Denied(why, malformed):
            if malformed:
                c.refuse(501, "5.5.2", why)
            else:
                # Takes as long as a wrong password: neither a quicker way to guess, nor a sign of who exists.
                await _verify(c, "", "")


async def _verify(c: Conversation, login: str, password: str) -> None:
    try:
        account = await VerifyPassword(login, password)
    except StoreUnavailable:
        c.refuse(454, "4.7.0", "temporary authentication failure")
        return
    _conclude(c, account)


async def _response(c: Conversation) -> bytes | None:
    """Read a response and undo base64; None where it ended the exchange (RFC 4954 §4)."""
    try:
        line = await c.read_line()
    except LineTooLong:
        c.refuse(500, "5.5.6", "authentication exchange line is too long")
        return None
    if line == b"*":
        c.refuse(501, "5.7.0", "authentication cancelled")
        return None
    answer = decode_base64(line)
    if answer is None:
        c.refuse(501, "5.5.2", "malformed base64")
    return answer


def _conclude(c: Conversation, account: "Any | None") -> None:
    """Let the client in; or refuse, without saying what was wrong, and after too many times hang up."""
    if account is not None:
        c.account = account
        c.say(235, "2.7.0", "authentication succeeded")
        return
    c.failed_logins += 1
    c.refuse(535, "5.7.8", "authentication credentials invalid")
    if c.failed_logins >= c.settings.max_failed_logins:
        raise TooManyErrors
