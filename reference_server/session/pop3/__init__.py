"""The POP3 session: RFC 1939, with CAPA (RFC 2449), STLS (RFC 2595), AUTH (RFC 5034), RFC 3206.

The states are the modules: `authorization`, `transaction` (which ends in UPDATE), around one `maildrop`.
"""

from reference_server.session.pop3.session import Pop3Session
from reference_server.session.pop3.settings import Pop3Settings

__all__ = ["Pop3Session", "Pop3Settings"]
