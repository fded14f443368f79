import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pytest
import trustme

from harness.peers.behaviour import ACCEPT, Behaviour, Stage, delay, drop, hide, no_ehlo, refuse
from harness.peers.next_hop import NextHop
from harness.peers.next_hop_session import split_path
from harness.vocabulary.errors import ConnectFailed, LocalProtocolError

WAIT_S = 5.0


class Caller:
    """A client of the crudest kind: a line out, one whole reply in."""

    def __init__(self, hop: NextHop) -> None:
        self.sock = socket.create_connection((hop.host, hop.port), WAIT_S)
        self.reader = self.sock.makefile("rb")

    def reply(self) -> str:
        lines = []
        while line := self.reader.readline():
            lines.append(line.decode())
            if line[3:4] == b" ":
                break
        return "".join(lines)

    def say(self, line: str) -> str:
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def envelope(self, *lines: str) -> list[str]:
        return [self.say(line)[:3] for line in lines]

    def mail(self, text: bytes = b"Subject: x\r\n\r\nhello\r\n.\r\n") -> str:
        self.envelope("MAIL FROM:<a@one.test>", "RCPT TO:<b@remote.test>", "DATA")
        self.sock.sendall(text)
        return self.reply()

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.reader.close()
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.reader = self.sock.makefile("rb")

    def close(self) -> None:
        self.reader.close()
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def hop_and_caller(
    behaviour: Behaviour = ACCEPT, host: str = "127.0.0.1"
) -> Iterator[tuple[NextHop, Caller]]:
    with NextHop(host, behaviour=behaviour) as hop, Caller(hop) as caller:
        yield hop, caller


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_accepts_and_records_what_was_sent(host: str) -> None:
    with hop_and_caller(host=host) as (hop, caller):
        assert caller.reply().startswith("220 next-hop.test ")
        assert caller.envelope(
            "EHLO sender.test",
            "MAIL FROM:<> BODY=8BITMIME SIZE=40",
            "RCPT TO:<b@remote.test>",
            'RCPT TO:<"odd> \\" one"@remote.test>',
            "DATA",
        ) == ["250", "250", "250", "250", "354"]
        caller.sock.sendall(b"Subject: x\r\n\r\n..dot\r\n\xff\r\n" + b"x" * 3000 + b"\r\n.\r\n")
        assert caller.reply().startswith("250 ")
        (mail,) = hop.wait_for(1, WAIT_S)
        assert mail.mail_from == ""
        assert mail.rcpt_tos == ("b@remote.test", '"odd> \\" one"@remote.test')
        assert mail.octets == b"Subject: x\r\n\r\n.dot\r\n\xff\r\n" + b"x" * 3000 + b"\r\n"
        assert (mail.ehlo_name, mail.esmtp, mail.tls, mail.peer) == ("sender.test", True, False, host)
        assert mail.parameters == ("BODY=8BITMIME", "SIZE=40")
        assert [attempt.stage for attempt in hop.attempts] == [
            Stage.CONNECT,
            Stage.EHLO,
            Stage.MAIL,
            Stage.RCPT,
            Stage.RCPT,
            Stage.DATA,
            Stage.TEXT,
        ]
        assert caller.say("QUIT").startswith("221 ")


def test_nothing_is_announced_that_is_not_meant() -> None:
    with hop_and_caller(hide("SMTPUTF8")) as (_, caller):
        caller.reply()
        keywords = [line[4:].split(" ")[0] for line in caller.say("EHLO sender.test").splitlines()]
        assert keywords == ["next-hop.test", "SIZE", "8BITMIME"]


def test_waiting_returns_what_there_is_when_time_runs_out() -> None:
    with hop_and_caller() as (hop, caller):
        caller.reply()
        caller.say("HELO sender.test")
        sender = threading.Thread(target=caller.mail)
        sender.start()
        assert len(hop.wait_for(1, WAIT_S)) == 1
        sender.join()
        assert len(hop.wait_for(2, 0.01)) == 1
        assert not hop.received[0].esmtp
        hop.forget()
        assert (hop.received, hop.attempts, hop.connections) == ([], [], 1)


@pytest.mark.parametrize(
    ("stage", "codes"),
    [
        (Stage.EHLO, ["451", "503", "503", "503"]),
        (Stage.MAIL, ["250", "451", "503", "503"]),
        (Stage.RCPT, ["250", "250", "451", "503"]),
        (Stage.DATA, ["250", "250", "250", "451"]),
    ],
)
def test_refusal_at_each_stage(stage: Stage, codes: list[str]) -> None:
    with hop_and_caller(refuse(stage, 451)) as (hop, caller):
        caller.reply()
        assert codes == caller.envelope(
            "EHLO sender.test", "MAIL FROM:<a@one.test>", "RCPT TO:<b@remote.test>", "DATA"
        )
        assert [attempt.reply[:3] for attempt in hop.attempts if attempt.stage is stage] == ["451"]


def test_refusal_at_the_greeting_ends_the_connection() -> None:
    with hop_and_caller(refuse(Stage.CONNECT, 554, "5.3.2 not today")) as (_, caller):
        assert caller.reply() == "554 5.3.2 not today\r\n"
        assert caller.reply() == ""


def test_refusal_after_the_final_dot_then_acceptance() -> None:
    with hop_and_caller(refuse(Stage.TEXT, 451, times=2)) as (hop, caller):
        caller.reply()
        caller.say("EHLO sender.test")
        assert [caller.mail()[:3] for _ in range(4)] == ["451", "451", "250", "250"]
        assert len(hop.received) == 2


def test_refusal_of_one_recipient_only() -> None:
    with hop_and_caller(refuse(Stage.RCPT, 550, only={"no@remote.test"})) as (_, caller):
        caller.reply()
        assert caller.envelope(
            "EHLO sender.test",
            "MAIL FROM:<a@one.test>",
            "RCPT TO:<no@remote.test>",
            "RCPT TO:<yes@remote.test>",
        ) == ["250", "250", "550", "250"]


def test_counts_of_refusals_hold_over_connections() -> None:
    with NextHop(behaviour=refuse(Stage.MAIL, 421, times=1)) as hop:
        seen = []
        for _ in range(2):
            with Caller(hop) as caller:
                caller.reply()
                seen += caller.envelope("EHLO sender.test", "MAIL FROM:<a@one.test>")
        assert seen == ["250", "421", "250", "250"]
        assert [attempt.connection for attempt in hop.wait_for_attempts(Stage.MAIL, 2, WAIT_S)] == [1, 2]


def test_drop_before_the_reply_to_the_final_dot() -> None:
    with hop_and_caller(drop(Stage.TEXT, times=1)) as (hop, caller):
        caller.reply()
        caller.say("EHLO sender.test")
        with contextlib.suppress(ConnectionResetError):
            assert caller.mail() == ""
        assert hop.received == []
        assert hop.attempts[-1].dropped
        with Caller(hop) as again:
            again.reply()
            again.say("EHLO sender.test")
            assert again.mail().startswith("250 ")


def test_without_ehlo_helo_works() -> None:
    with hop_and_caller(no_ehlo()) as (hop, caller):
        caller.reply()
        assert caller.envelope("EHLO sender.test", "MAIL FROM:<a@one.test>") == ["502", "503"]
        assert caller.say("HELO sender.test").startswith("250 ")
        assert caller.mail().startswith("250 ")
        assert not hop.received[0].esmtp


def test_delay_is_kept_and_then_accepted() -> None:
    with hop_and_caller(delay(Stage.MAIL, 0.05)) as (_, caller):
        caller.reply()
        caller.say("EHLO sender.test")
        started = time.monotonic()
        assert caller.say("MAIL FROM:<a@one.test>").startswith("250 ")
        assert time.monotonic() - started >= 0.05


def test_behaviour_can_change_while_it_runs() -> None:
    with hop_and_caller() as (hop, caller):
        caller.reply()
        caller.say("EHLO sender.test")
        hop.behaviour = refuse(Stage.MAIL, 451)
        assert caller.say("MAIL FROM:<a@one.test>").startswith("451 ")
        hop.behaviour = ACCEPT
        assert caller.say("MAIL FROM:<a@one.test>").startswith("250 ")


def test_starttls_is_offered_with_a_context_and_recorded() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    with NextHop(tls_context=server) as hop, Caller(hop) as caller:
        caller.reply()
        assert "STARTTLS" in caller.say("EHLO sender.test")
        assert caller.say("STARTTLS").startswith("220 ")
        caller.start_tls(client)
        assert "STARTTLS" not in caller.say("EHLO sender.test")
        assert caller.mail().startswith("250 ")
        assert hop.received[0].tls


def test_stopping_ends_open_connections_and_frees_the_port() -> None:
    hop = NextHop().start()
    with Caller(hop) as caller:
        caller.reply()
        hop.stop()
        with contextlib.suppress(ConnectionResetError):
            assert caller.reply() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((hop.host, hop.port), WAIT_S)
    hop.stop()


def test_port_in_use_is_one_line() -> None:
    with NextHop() as hop, pytest.raises(ConnectFailed, match=r"no next hop on 127.0.0.1, port \d+: "):
        NextHop(hop.host, hop.port).start()


def test_a_refusal_must_be_a_refusal() -> None:
    with pytest.raises(LocalProtocolError, match="250 is no refusal"):
        refuse(Stage.MAIL, 250)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("<a@one.test> SIZE=3", ("a@one.test", " SIZE=3")),
        ("<>", ("", "")),
        ('<"a>b"@one.test>', ('"a>b"@one.test', "")),
        ("<a@one.test", (None, "")),
        ("a@one.test", (None, "")),
    ],
)
def test_paths_are_taken_as_they_stand(argument: str, expected: tuple[str | None, str]) -> None:
    assert split_path(argument) == expected
