"""What the mediators make of both sides: which reply belongs to what, and where a text or body ends."""

from memory_servers import MemorySmtp, Wire

from harness.peers.faults.mediation import Answer
from harness.peers.faults.pop3.mediator import Command as Pop3Command
from harness.peers.faults.pop3.mediator import Pop3Mediator, Response
from harness.peers.faults.smtp.mediator import Command, Decision, MailText, SmtpMediator
from harness.transport.interpose import Spoken, ToClient, ToServer
from harness.wire.smtp import Reply

BEGIN = b"EHLO c.x\r\nMAIL FROM:<s@c.x>\r\nRCPT TO:<a@x>\r\n"


class Notes(SmtpMediator):
    def __init__(self, spoken: Spoken) -> None:
        super().__init__(spoken)
        self.heard: list[tuple[bytes, int]] = []
        self.texts: list[bytes] = []

    def reply(self, command: Command, reply: Reply) -> bytes | None:
        name = command.recipient or (b"text" if command.is_text else command.verb)
        self.heard.append((name, reply.code))
        return None

    def text(self, text: MailText) -> Decision:
        self.texts.append(text.message)
        return None


def test_replies_belong_to_their_commands() -> None:
    mediator = Notes(Spoken.SMTP)
    Wire(MemorySmtp(), mediator).run(
        BEGIN + b"VRFY a\r\nHELP\r\nXYZZ\r\nDATA\r\n", b"..dot\r\n.\r\n", b"RSET\r\n"
    )
    assert mediator.heard == [
        *[(b"", 220), (b"EHLO", 250), (b"MAIL", 250), (b"RCPT", 250), (b"VRFY", 252), (b"HELP", 214)],
        *[(b"XYZZ", 500), (b"DATA", 354), (b"text", 250), (b"RSET", 250)],
    ]
    assert mediator.texts == [b".dot\r\n"]
    assert mediator.keywords[b"SIZE"] == b"1000000"


def test_a_text_that_was_not_invited_is_read_as_commands() -> None:
    mediator = Notes(Spoken.SMTP)
    Wire(MemorySmtp(), mediator).run(b"EHLO c.x\r\nDATA\r\nSubject: x\r\n.\r\nNOOP\r\n")
    assert [code for _, code in mediator.heard] == [220, 250, 503, 500, 500, 250]
    assert mediator.heard[-1] == (b"NOOP", 250)


def test_a_text_that_comes_with_data_waits_for_its_invitation() -> None:
    mediator = Notes(Spoken.SMTP)
    Wire(MemorySmtp(), mediator).run(BEGIN + b"DATA\r\none\r\n.\r\nNOOP\r\n")
    assert mediator.heard[-3:] == [(b"DATA", 354), (b"text", 250), (b"NOOP", 250)]


def test_lmtp_has_a_reply_for_each_recipient() -> None:
    mediator = Notes(Spoken.LMTP)
    recipients = b"RCPT TO:<a@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<b@x>\r\n"
    Wire(MemorySmtp(lmtp=True), mediator).run(
        b"LHLO c.x\r\nMAIL FROM:<>\r\n" + recipients + b"DATA\r\n", b"t\r\n.\r\nNOOP\r\n"
    )
    assert mediator.heard[-4:] == [(b"DATA", 354), (b"a@x", 250), (b"b@x", 250), (b"NOOP", 250)]
    assert mediator.sender is None


def test_chunks_are_no_commands() -> None:
    mediator = Notes(Spoken.SMTP)
    mediator.from_server(b"220 hi\r\n")
    sent = mediator.from_client(b"BDAT 6\r\nNOOP\r\nBDAT 2 LAST\r\nx\nNOOP\r\n")
    assert sent == [ToServer(b"BDAT 6\r\nNOOP\r\nBDAT 2 LAST\r\nx\nNOOP\r\n")]
    mediator.from_server(b"250 one\r\n251 two\r\n252 three\r\n")
    assert mediator.heard == [(b"", 220), (b"BDAT", 250), (b"text", 251), (b"NOOP", 252)]


def test_lines_of_an_auth_exchange_are_no_commands() -> None:
    mediator = Notes(Spoken.SMTP)
    Wire(MemorySmtp(), mediator).run(b"EHLO c.x\r\nAUTH PLAIN\r\nRSET\r\nRSET\r\n")
    assert mediator.heard[-3:] == [(b"AUTH", 334), (b"", 535), (b"RSET", 250)]


class RefusesSpam(SmtpMediator):
    REFUSES_TEXTS = True

    def text(self, text: MailText) -> Decision:
        return Answer(b"554 5.7.1 spam\r\n") if b"spam" in text.message else None


def test_a_text_is_refused_before_the_server_has_it() -> None:
    server = MemorySmtp()
    received = Wire(server, RefusesSpam(Spoken.SMTP)).run(
        BEGIN + b"DATA\r\n",
        b"spam\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\n",
        b"ham\r\n.\r\nQUIT\r\n",
    )
    codes = [line[:3] for line in received.splitlines() if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"554", b"250", b"250", b"354", b"250", b"221"]
    assert server.stored == [(b"", (b"b@x",), b"ham\r\n")]


def test_pop3_bodies_end_with_crlf_dot_crlf_alone() -> None:
    heard: list[tuple[bytes, bytes | None]] = []

    class Hears(Pop3Mediator):
        def reply(self, command: Pop3Command, reply: Response) -> bytes | None:
            heard.append((command.verb, reply.wire))
            return None

    mediator = Hears(Spoken.POP3)
    mediator.from_server(b"+OK\r\n")
    mediator.from_client(b"RETR 1\r\nlist\r\nLIST 1\r\nUIDL\r\n")
    body = b"a\n.\r\n..\r\n.\n"
    passed = mediator.from_server(b"+OK\r\n" + body + b"\r\n.\r\n+OK\r\n.\r\n+OK 1 2\r\n-ERR no\r\n")
    assert heard == [(b"", None), (b"RETR", body + b"\r\n"), (b"LIST", b""), (b"LIST", None), (b"UIDL", None)]
    assert passed == [ToClient(b"+OK\r\n" + body + b"\r\n.\r\n+OK\r\n.\r\n+OK 1 2\r\n-ERR no\r\n")]
