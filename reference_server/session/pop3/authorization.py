"""The AUTHORIZATION state: USER, PASS, AUTH, STLS, CAPA, QUIT (RFC 1939 §4)."""

import base64
from typing import Final

from reference_server.codec.pop3 import Command
from reference_server.codec.sasl import (
    CLIENT_FIRST,
    RESPONSE_LIMIT_OCTETS,
    Challenge,
    Denied,
    Exchange,
    Outcome,
    PasswordLogin,
    Proven,
    decode_base64,
    decode_initial_response,
    text,
)
from reference_server.session.base import StartTls, VerifyPassword
from reference_server.session.pop3.capabilities import capabilities, may_send_password, permitted_mechanisms
from reference_server.session.pop3.conversation import Conversation, Over
from reference_server.session.pop3.maildrop import Maildrop
from reference_server.store.errors import StoreUnavailable
from reference_server.store.values import Account

_NEEDS_TLS: Final = b"passwords need TLS here, use STLS first"
_TRY_LATER: Final = b"[SYS/TEMP] the server cannot look now, try again later"
_WRONG: Final = b"[AUTH] login failed"


async def authorize(session: Conversation) -> Maildrop | None:
    """Serve until the client has logged in, or QUIT (None)."""
    state = _Authorization(session)
    while True:
        command = await session.next_command()
        if command.keyword == "QUIT" and not command.argument:
            session.ok(b"bye")
            return None
        maildrop = await state.serve(command)
        if maildrop is not None:
            session.patience = None
            count, octets = maildrop.total()
            session.ok(b"maildrop locked, %d messages (%d octets)" % (count, octets))
            return maildrop


class _Authorization:
    """What a client has said so far to be let in."""

    def __init__(self, session: Conversation) -> None:
        self._session = session
        self._failed_logins = 0
        self._name: str | None = None
        """Of the USER just before; any other command forgets it."""

    async def serve(self, command: Command) -> Maildrop | None:
        """Carry out one command; the maildrop once it is open."""
        name, self._name = self._name, None
        match command.keyword:
            case "USER":
                self._user(command)
            case "PASS":
                return await self._pass(name, command)
            case "AUTH":
                return await self._auth(command)
            case "STLS":
                await self._stls(command)
            case "CAPA" if not command.argument:
                self._session.ok_lines(
                    b"capability list follows", capabilities(self._session, authorized=False)
                )
            case "CAPA" | "QUIT":
                self._session.err(b"no argument is taken")
            case _:
                self._session.err(b"not a command of the AUTHORIZATION state")
                self._session.lose_patience()
        return None

    def _user(self, command: Command) -> None:
        """Take a name; whether it exists is not said (RFC 1939 §13)."""
        if not may_send_password(self._session):
            self._session.err(_NEEDS_TLS)
        elif not command.argument:
            self._session.err(b"USER takes a name")
        else:
            self._name = text(command.argument)
            self._session.ok(b"send PASS")

    async def _pass(self, name: str | None, command: Command) -> Maildrop | None:
        """Take the password; spaces in it are part of it (RFC 1939 §7)."""
        if not may_send_password(self._session):
            self._session.err(_NEEDS_TLS)
            return None
        if name is None:
            self._session.err(b"send USER first")
            return None
        return await self._verify(name, text(command.argument))

    async def _verify(self, login: str, password: str) -> Maildrop | None:
        try:
            account = await VerifyPassword(login, password)
        except StoreUnavailable:
            self._session.err(_TRY_LATER)
            return None
        if account is None:
            self._refuse()
            return None
        return self._open(account)

    def _refuse(self) -> None:
        """Answer a wrong login; after a few the session ends (the driver has taken its time over each)."""
        self._failed_logins += 1
        if self._failed_logins >= self._session.settings.max_failed_logins:
            raise Over(b"[AUTH] login failed too often")
        self._session.err(_WRONG)

    def _open(self, account: Account) -> Maildrop | None:
        try:
            maildrop = Maildrop.open(self._session.store, account)
        except StoreUnavailable:
            self._session.err(_TRY_LATER)
            return None
        if maildrop is None:
            self._session.err(b"[IN-USE] another session has the maildrop")
        return maildrop

    async def _stls(self, command: Command) -> None:
        """Start TLS; what came in clear after the command is forgotten (RFC 2595 §2.4, CVE-2011-0411)."""
        session = self._session
        if command.argument:
            session.err(b"no argument is taken")
        elif session.secure:
            session.err(b"TLS is already active")
        elif not session.settings.offers_stls:
            session.err(b"TLS is not offered")
        else:
            session.ok(b"begin TLS negotiation")
            session.inbox.clear()
            if not await StartTls():
                raise Over
            session.secure = True

    async def _auth(self, command: Command) -> Maildrop | None:
        """Run a SASL exchange (RFC 5034 §4)."""
        session = self._session
        permitted = permitted_mechanisms(session)
        mechanism = command.argument.partition(b" ")[0].decode("ascii", "replace").upper()
        if mechanism not in permitted or len(command.arguments) > 2:
            session.err(b"AUTH takes one of " + " ".join(permitted).encode("ascii"))
            return None
        initial: bytes | None = None
        if len(command.arguments) == 2:
            initial = decode_initial_response(command.arguments[1])
            if initial is None or mechanism not in CLIENT_FIRST:
                session.err(b"that is no initial response of this mechanism")
                return None
        match await self._exchange(mechanism, initial):
            case PasswordLogin(login, password):
                return await self._verify(login, password)
            case Proven(account):
                return self._open(account)
            case Denied(malformed=True, why=why):
                session.err(why.encode("ascii"))
                return None
            case Denied():
                # Takes as long as a wrong password, so that this is not the quicker way to guess.
                return await self._verify("", "")

    async def _exchange(self, mechanism: str, initial: bytes | None) -> Outcome:
        """Carry challenges and responses until the mechanism has an outcome."""
        session = self._session
        exchange = Exchange(mechanism, session.store.scram_keys)
        step = exchange.step(initial)
        while isinstance(step, Challenge):
            session.outbox += b"+ %b\r\n" % base64.b64encode(step.octets)
            line = await session.read_line(RESPONSE_LIMIT_OCTETS)
            response = None if line is None else decode_base64(line)
            if response is None:
                return Denied("cancelled" if line == b"*" else "that is no base64", malformed=True)
            step = exchange.step(response)
        return step
