"""AUTHENTICATE (RFC 3501 §6.2.2) with the initial response of SASL-IR (RFC 4959)."""

from base64 import b64encode

from reference_server.codec.imap.lexer import Garbled
from reference_server.codec.sasl import (
    MECHANISMS,
    RESPONSE_LIMIT_OCTETS,
    Challenge,
    Denied,
    Exchange,
    Outcome,
    PasswordLogin,
    Proven,
    decode_base64,
    decode_initial_response,
)
from reference_server.session.base import VerifyPassword
from reference_server.session.imap import capabilities
from reference_server.session.imap.authentication import accept, privacy_required, reject
from reference_server.session.imap.command import Answer, Call, State, command, no
from reference_server.session.imap.session import ImapSession


@command("AUTHENTICATE", State.NOT_AUTHENTICATED)
async def authenticate(session: ImapSession, call: Call) -> Answer:
    """Run a SASL mechanism; `*` in place of a response cancels it."""
    reader = call.reader
    reader.sp()
    mechanism = reader.keyword().decode("ascii")
    initial = None
    if reader.skip(b" "):
        initial = decode_initial_response(reader.text[reader.at :])
        if initial is None:
            raise Garbled(b"The initial response is not base64")
        reader.at = len(reader.text)
    reader.end()
    if mechanism not in MECHANISMS:
        return no(b"The mechanism is not supported")
    if not capabilities.takes_passwords(session):
        return privacy_required()
    outcome = await _exchange(session, Exchange(mechanism, session.store.scram_keys), initial)
    match outcome:
        case PasswordLogin(login, password):
            account = await VerifyPassword(login, password)
        case Proven(account):
            pass
        case Denied(malformed=True):
            raise Garbled(b"The response is not one of the mechanism")
        case Denied():
            # Takes as long as a wrong password: neither a quicker way to guess, nor a sign of who exists.
            account = await VerifyPassword("", "")
    return reject(session) if account is None else accept(session, account, b"AUTHENTICATE")


async def _exchange(session: ImapSession, exchange: Exchange, response: bytes | None) -> Outcome:
    """Carry challenges and responses to and fro; lines that are no base64 are BAD (RFC 3501 §6.2.2)."""
    step = exchange.step(response)
    while isinstance(step, Challenge):
        session.outbox += b"+ %s\r\n" % b64encode(step.octets)
        line = await session.read_line(RESPONSE_LIMIT_OCTETS)
        if line == b"*":
            raise Garbled(b"AUTHENTICATE was cancelled")
        octets = decode_base64(line)
        if octets is None:
            raise Garbled(b"The response is not base64")
        step = exchange.step(octets)
    return step
