"""Small well-behaved servers in memory, and what drives them through an interposer without a network."""

import base64
import re
from collections.abc import Callable, Iterable

from harness.transport.interpose import Action, End, Ending, Interposer, ToClient, ToServer

TLS = b"<TLS>"
"""In a client's script: TLS is started."""
CLOSED = b"<closed>"
"""In what the client has got: the connection was ended."""


class MemoryServer:
    """Reads lines and answers them; `text` is set while something else than commands is expected."""

    def __init__(self) -> None:
        self.inbox = b""
        self.tls = False
        self.text: Callable[[], bytes | None] | None = None
        self.ended = False

    def greeting(self) -> bytes:
        raise NotImplementedError

    def answer(self, line: bytes) -> bytes:
        raise NotImplementedError

    def receive(self, octets: bytes) -> bytes:
        self.inbox += octets
        said = b""
        while not self.ended:
            if self.text is not None:
                answer = self.text()
            elif b"\n" in self.inbox:
                line, _, self.inbox = self.inbox.partition(b"\n")
                answer = self.answer(line.rstrip(b"\r"))
            else:
                break
            if answer is None:
                break
            said += answer
        return said

    def take_line(self) -> bytes | None:
        if b"\n" not in self.inbox:
            return None
        line, _, self.inbox = self.inbox.partition(b"\n")
        self.text = None
        return line.rstrip(b"\r")

    def begin_tls(self) -> None:
        self.tls = True
        self.inbox = b""


class MemorySmtp(MemoryServer):
    """SMTP for users a and b at x, or LMTP; the password of everybody is `secret`."""

    def __init__(self, *, lmtp: bool = False) -> None:
        super().__init__()
        self.lmtp = lmtp
        self.hello = b""
        self.user = b""
        self.sender: bytes | None = None
        self.recipients: list[bytes] = []
        self.stored: list[tuple[bytes | None, tuple[bytes, ...], bytes]] = []

    def greeting(self) -> bytes:
        return b"220 mail.x ready\r\n"

    def begin_tls(self) -> None:
        super().begin_tls()
        self.hello, self.sender, self.recipients = b"", None, []

    def answer(self, line: bytes) -> bytes:
        verb, _, argument = line.partition(b" ")
        name = verb.decode("ascii", "replace").lower()
        if name in ({"helo", "ehlo"} if self.lmtp else {"lhlo"}):
            name = "unknown"
        handle = getattr(self, f"do_{name}", None) if name.isalpha() else None
        return b"500 5.5.1 what?\r\n" if handle is None else handle(argument)

    def do_ehlo(self, argument: bytes) -> bytes:
        if not argument:
            return b"501 5.5.4 who?\r\n"
        self.hello, self.sender, self.recipients = argument, None, []
        words = [
            b"mail.x",
            b"PIPELINING",
            b"SIZE 1000000",
            b"8BITMIME",
            b"ENHANCEDSTATUSCODES",
            b"EXPN",
            b"AUTH PLAIN",
        ]
        words += [] if self.tls else [b"STARTTLS"]
        return b"".join(b"250-%b\r\n" % word for word in words) + b"250 HELP\r\n"

    do_lhlo = do_ehlo

    def do_helo(self, argument: bytes) -> bytes:
        self.hello, self.sender, self.recipients = argument, None, []
        return b"250 mail.x\r\n"

    def do_mail(self, argument: bytes) -> bytes:
        path = re.match(rb"FROM:<([^>]*)>((?: [A-Z0-9]+(?:=\S+)?)*)$", argument, re.IGNORECASE)
        if not self.hello or self.sender is not None:
            return b"503 5.5.1 not now\r\n"
        if not path or path.group(1).startswith(b"!"):
            return b"501 5.1.7 bad path\r\n"
        if path.group(1).startswith(b"locked"):
            return b"530 5.7.0 who are you?\r\n"
        for parameter in path.group(2).upper().split():
            keyword, _, value = parameter.partition(b"=")
            if keyword not in {b"SIZE", b"BODY", b"AUTH"}:
                return b"555 5.5.4 unknown parameter\r\n"
            if keyword == b"SIZE" and int(value) > 1000000:
                return b"552 5.3.4 too large\r\n"
        self.sender = path.group(1)
        return b"250 2.1.0 ok\r\n"

    def do_rcpt(self, argument: bytes) -> bytes:
        path = argument.partition(b"<")[2].rstrip(b">")
        if self.sender is None:
            return b"503 5.5.1 MAIL first\r\n"
        local_part = path.rpartition(b":")[2].partition(b"@")[0].strip(b'"').partition(b"+")[0].lower()
        if local_part not in {b"a", b"b", b"postmaster"} and not local_part.startswith(b"r"):
            return b"550 5.1.1 nobody\r\n"
        self.recipients.append(path)
        return b"250 2.1.5 ok\r\n"

    def do_data(self, argument: bytes) -> bytes:
        if argument:
            return b"501 5.5.4 no argument\r\n"
        if not self.recipients:
            return b"503 5.5.1 RCPT first\r\n"
        self.text = self.read_text
        return b"354 go\r\n"

    def read_text(self) -> bytes | None:
        if (end := (b"\r\n" + self.inbox).find(b"\r\n.\r\n")) < 0:
            return None
        wire, self.inbox = self.inbox[:end], self.inbox[end + 3 :]
        message = (b"\r\n" + wire).replace(b"\r\n.", b"\r\n")[2:]
        self.text = None
        recipients, sender = tuple(self.recipients), self.sender
        self.sender, self.recipients = None, []
        self.stored.append((sender, recipients, message))
        return b"".join(
            b"250 2.0.0 stored for %b\r\n" % one for one in recipients[: None if self.lmtp else 1]
        )

    def do_rset(self, argument: bytes) -> bytes:
        if argument:
            return b"501 5.5.4 no argument\r\n"
        self.sender, self.recipients = None, []
        return b"250 2.0.0 ok\r\n"

    def do_noop(self, argument: bytes) -> bytes:
        return b"250 2.0.0 ok\r\n"

    def do_vrfy(self, argument: bytes) -> bytes:
        return b"252 2.0.0 perhaps\r\n"

    def do_expn(self, argument: bytes) -> bytes:
        return b"550 5.1.1 no list\r\n"

    def do_help(self, argument: bytes) -> bytes:
        return b"214-2.0.0 help\r\n214 2.0.0 yourself\r\n"

    def do_quit(self, argument: bytes) -> bytes:
        if argument:
            return b"501 5.5.4 no argument\r\n"
        self.ended = True
        return b"221 2.0.0 bye\r\n"

    def do_starttls(self, argument: bytes) -> bytes:
        if argument or self.tls:
            return b"501 5.5.4 no argument\r\n" if argument else b"503 5.5.1 again?\r\n"
        self.inbox = b""
        return b"220 2.0.0 go\r\n"

    def do_auth(self, argument: bytes) -> bytes:
        mechanism, _, initial = argument.partition(b" ")
        if self.user or self.sender is not None:
            return b"503 5.5.1 not now\r\n"
        if mechanism.upper() != b"PLAIN":
            return b"504 5.5.4 unknown mechanism\r\n"
        if initial:
            return self.check(initial)
        self.text = self.read_response
        return b"334 \r\n"

    def read_response(self) -> bytes | None:
        line = self.take_line()
        return None if line is None else self.check(line)

    def check(self, response: bytes) -> bytes:
        try:
            words = base64.b64decode(response, validate=True).split(b"\0")
        except ValueError:
            return b"501 5.5.2 no base64\r\n"
        if words[-1] != b"secret":
            return b"535 5.7.8 wrong\r\n"
        self.user = words[-2]
        return b"235 2.7.0 in\r\n"


MESSAGES = (
    b"Subject: one\r\n\r\nfirst\r\n..two dots\r\n\xfflast\r\n",
    b"Subject: two\r\n\r\n" + b"".join(b"line %d\r\n" % number for number in range(12)),
    b"Subject: three\r\n\r\nthree\r\n",
)


class MemoryPop3(MemoryServer):
    """POP3 with three messages; every user's password is `secret`."""

    def __init__(self, messages: Iterable[bytes] = MESSAGES) -> None:
        super().__init__()
        self.messages = dict(enumerate(messages, 1))
        self.user: bytes | None = None
        self.logged_in = False
        self.deleted: set[int] = set()
        self.removed: set[int] = set()

    def greeting(self) -> bytes:
        return b"+OK ready\r\n"

    def begin_tls(self) -> None:
        super().begin_tls()
        self.user = None

    @property
    def stored(self) -> list[int]:
        return sorted(set(self.messages) - self.removed)

    def answer(self, line: bytes) -> bytes:
        words = line.split(b" ")
        name = words[0].decode("ascii", "replace").lower()
        free = {"capa", "quit"}
        before, after = (
            {"user", "pass", "auth", "stls"},
            {"stat", "list", "uidl", "retr", "top", "dele", "rset", "noop"},
        )
        if name not in free | (after if self.logged_in else before):
            return b"-ERR not here\r\n"
        if name in {"stat", "rset", "noop", "quit", "capa"} and words[1:]:
            return b"-ERR no arguments\r\n"
        if name not in {"user", "pass"}:
            self.user = None
        return getattr(self, f"do_{name}")(*words[1:])

    def numbers(self) -> list[int]:
        return sorted(set(self.messages) - self.deleted)

    def valid(self, word: bytes) -> int | None:
        return int(word) if word.isdigit() and int(word) in self.numbers() else None

    def do_user(self, name: bytes = b"") -> bytes:
        self.user = name
        return b"+OK\r\n"

    def do_pass(self, *words: bytes) -> bytes:
        if self.user is None or b" ".join(words) != b"secret":
            self.user = None
            return b"-ERR [AUTH] no\r\n"
        self.logged_in = True
        return b"+OK 3 messages\r\n"

    def do_auth(self, mechanism: bytes = b"", *initial: bytes) -> bytes:
        if mechanism.upper() != b"PLAIN":
            return b"-ERR unknown mechanism\r\n"
        if initial:
            return self.check(b"" if initial[0] == b"=" else initial[0])
        self.text = self.read_response
        return b"+ \r\n"

    def read_response(self) -> bytes | None:
        line = self.take_line()
        return None if line is None else self.check(line)

    def check(self, response: bytes) -> bytes:
        try:
            words = base64.b64decode(response, validate=True).split(b"\0")
        except ValueError:
            return b"-ERR no base64\r\n"
        if words[-1] != b"secret":
            return b"-ERR [AUTH] no\r\n"
        self.logged_in = True
        return b"+OK in\r\n"

    def do_stls(self) -> bytes:
        self.inbox = b""
        return b"+OK go\r\n"

    def do_capa(self) -> bytes:
        stls = [] if self.logged_in else [b"STLS"]
        words = [
            b"TOP",
            b"UIDL",
            b"USER",
            b"RESP-CODES",
            b"AUTH-RESP-CODE",
            b"PIPELINING",
            b"SASL PLAIN",
            *stls,
        ]
        return b"+OK\r\n" + b"".join(word + b"\r\n" for word in words) + b".\r\n"

    def do_stat(self) -> bytes:
        numbers = self.numbers()
        return b"+OK %d %d\r\n" % (len(numbers), sum(len(self.messages[number]) for number in numbers))

    def listing(self, of: Callable[[int], bytes], argument: tuple[bytes, ...]) -> bytes:
        if argument:
            number = self.valid(argument[0])
            refused = number is None or len(argument) > 1
            return b"-ERR no such message\r\n" if refused else b"+OK %d %b\r\n" % (number, of(number))
        lines = b"".join(b"%d %b\r\n" % (number, of(number)) for number in self.numbers())
        return b"+OK\r\n" + lines + b".\r\n"

    def do_list(self, *argument: bytes) -> bytes:
        return self.listing(lambda number: b"%d" % len(self.messages[number]), argument)

    def do_uidl(self, *argument: bytes) -> bytes:
        return self.listing(lambda number: b"uid%d" % (1000 + number), argument)

    def do_retr(self, *argument: bytes) -> bytes:
        number = self.valid(argument[0]) if len(argument) == 1 else None
        return b"-ERR no such message\r\n" if number is None else self.body(self.messages[number])

    def do_top(self, *argument: bytes) -> bytes:
        number = self.valid(argument[0]) if len(argument) == 2 else None
        if number is None:
            return b"-ERR no such message\r\n"
        header, _, text = self.messages[number].partition(b"\r\n\r\n")
        lines = text.splitlines(keepends=True)[: int(argument[1])]
        return self.body(header + b"\r\n\r\n" + b"".join(lines))

    def body(self, message: bytes) -> bytes:
        return b"+OK\r\n" + message.replace(b"\r\n.", b"\r\n..") + b".\r\n"

    def do_dele(self, *argument: bytes) -> bytes:
        number = self.valid(argument[0]) if len(argument) == 1 else None
        if number is None:
            return b"-ERR no such message\r\n"
        self.deleted.add(number)
        return b"+OK\r\n"

    def do_rset(self) -> bytes:
        self.deleted.clear()
        return b"+OK\r\n"

    def do_noop(self) -> bytes:
        return b"+OK\r\n"

    def do_quit(self) -> bytes:
        self.ended = True
        self.removed |= self.deleted if self.logged_in else set()
        return b"+OK bye\r\n"


class Transparent:
    """Stands in a connection and changes nothing."""

    def from_client(self, octets: bytes) -> Iterable[Action]:
        return [ToServer(octets)]

    def from_server(self, octets: bytes) -> Iterable[Action]:
        return [ToClient(octets)]

    def tls_started(self) -> None:
        pass


class Wire:
    """Joins a script of the client to a memory server, through an interposer."""

    def __init__(self, server: MemoryServer, interposer: Interposer | None = None) -> None:
        self.server = server
        self.interposer: Interposer = interposer if interposer is not None else Transparent()
        self.received = b""
        self.open = True
        self.perform(self.interposer.from_server(server.greeting()))

    def run(self, *script: bytes) -> bytes:
        """Send each part of `script`, then end; what the client got, and what the server has kept."""
        for octets in script:
            if octets == TLS:
                self.server.begin_tls()
                self.interposer.tls_started()
            elif self.open:
                self.perform(self.interposer.from_client(octets))
        if self.open:
            self.perform(self.interposer.from_client(b""))
        return self.received + b"\r\n" + repr(self.server.stored).encode()

    def perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case ToClient(octets):
                    self.received += octets
                case ToServer(octets):
                    was_open = not self.server.ended
                    if answer := self.server.receive(octets):
                        self.perform(self.interposer.from_server(answer))
                    if was_open and self.server.ended:
                        self.perform(self.interposer.from_server(b""))
                        self.perform([End(Ending.CLOSE)])
                case End():
                    self.received += CLOSED if self.open else b""
                    self.open = False
