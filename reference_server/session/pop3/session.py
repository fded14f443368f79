"""The POP3 session: its states, one after the other."""

from reference_server.session.pop3.authorization import authorize
from reference_server.session.pop3.conversation import Conversation, Over
from reference_server.session.pop3.transaction import transact


class Pop3Session(Conversation):
    """One client: AUTHORIZATION, then TRANSACTION over a locked maildrop, then UPDATE (RFC 1939 §3)."""

    async def run(self) -> None:
        """Serve the client from greeting to end."""
        self.ok(b"%b POP3 server ready" % self.settings.hostname.encode("ascii", "replace"))
        try:
            maildrop = await authorize(self)
            if maildrop is not None:
                try:
                    await transact(self, maildrop)
                finally:
                    maildrop.close()
        except Over as over:
            if over.farewell:
                self.err(over.farewell)
