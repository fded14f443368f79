"""The LMTP session (RFC 2033): SMTP with LHLO for a greeting and a reply for each recipient."""

from collections.abc import Mapping
from typing import ClassVar

from reference_server.session.smtp import hello
from reference_server.session.smtp.conversation import Command
from reference_server.session.smtp.session import SHARED_COMMANDS, SmtpSession


class LmtpSession(SmtpSession):
    """LHLO takes the place of EHLO and HELO, which are refused (RFC 2033 §4.1)."""

    commands: ClassVar[Mapping[bytes, Command]] = {b"LHLO": hello.lhlo, **SHARED_COMMANDS}
    greeting_word: ClassVar[str] = "LMTP"
