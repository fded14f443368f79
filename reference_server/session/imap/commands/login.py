"""LOGIN (RFC 3501 §6.2.3)."""

from reference_server.session.base import VerifyPassword
from reference_server.session.imap import capabilities
from reference_server.session.imap.authentication import accept, privacy_required, reject
from reference_server.session.imap.command import Answer, Call, State, command
from reference_server.session.imap.session import ImapSession


@command("LOGIN", State.NOT_AUTHENTICATED)
async def login(session: ImapSession, call: Call) -> Answer:
    """Log in by name and password, which are US-ASCII or UTF-8."""
    reader = call.reader
    reader.sp()
    name = reader.astring()
    reader.sp()
    password = reader.astring()
    reader.end()
    if not capabilities.takes_passwords(session):
        return privacy_required()
    try:
        account = await VerifyPassword(name.decode("utf-8"), password.decode("utf-8"))
    except UnicodeDecodeError:
        account = None
    return reject(session) if account is None else accept(session, account, b"LOGIN")
