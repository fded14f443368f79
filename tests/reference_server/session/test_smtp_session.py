"""The SMTP session in the MX role: commands, their order, their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smtp_bench import Bench, bench, codes, greeted

from reference_server.session.base import Flush, Input
from reference_server.session.smtp.desk import Refusal, Role

ENVELOPE = (b"MAIL FROM:<bob@remote.test>", b"RCPT TO:<alice@example.test>")


def deliver(peer: Bench, text: bytes) -> int:
    """Send `text`, which is stuffed already, in a transaction of its own; the last code."""
    assert peer.codes(*ENVELOPE, b"DATA") == [250, 250, 354]
    return codes(peer.driver.send(text))[-1]


def test_a_message_is_taken() -> None:
    peer = greeted()
    assert deliver(peer, b"Subject: x\r\n\r\nhello\r\n.\r\n") == 250
    (taken,) = peer.taken
    assert taken.text == b"Subject: x\r\n\r\nhello\r\n"
    assert str(taken.envelope.reverse_path) == "bob@remote.test"
    assert [recipient.account for recipient in taken.envelope.recipients] == ["alice"]
    assert (taken.envelope.hello_name, taken.envelope.protocol) == ("client.test", "ESMTP")


def test_ehlo_lists_extensions_and_helo_does_not() -> None:
    peer = bench()
    ehlo = peer.send(b"EHLO [192.0.2.1]")
    assert [line[4:] for line in ehlo.split(b"\r\n")[1:-1]] == [
        b"PIPELINING",
        b"SIZE 52428800",
        b"8BITMIME",
        b"CHUNKING",
        b"BINARYMIME",
        b"SMTPUTF8",
        b"DSN",
        b"ENHANCEDSTATUSCODES",
        b"LIMITS RCPTMAX=1000",
        b"STARTTLS",
        b"HELP",
    ]
    assert peer.send(b"HELO client.test") == b"250 mx.example.test\r\n"
    assert peer.codes(b"MAIL FROM:<a@b.test> SIZE=10") == [555]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"EHLO", 501),
        (b"EHLO under_score", 501),
        (b"EHLO [192.0.2.256]", 501),
        (b"HELO -x", 501),
        (b"NOOP anything at all", 250),
        (b"noop", 250),
        (b"NOOP   ", 250),
        (b"RSET now", 501),
        (b"QUIT now", 501),
        (b"VRFY", 501),
        (b"VRFY nobody", 252),
        (b"EXPN", 501),
        (b"EXPN list", 550),
        (b"HELP", 214),
        (b"HELP MAIL", 214),
        (b"HELP NONSENSE", 504),
        (b"LHLO client.test", 500),
        (b"AUTH PLAIN", 502),
        (b"", 500),
        (b" NOOP", 500),
        (b"NOOP\tx", 500),
        (b"NOOP \x80", 501),
        (b"NOOP\0", 500),
        (b"NOOP\nNOOP", 500),
        (b"NOOP \rNOOP", 501),
        (b"WHAT \x80", 500),
        (b"DATA", 503),
        (b"RCPT TO:<alice@example.test>", 503),
        (b"MAIL FROM:<a@b.test>", 250),
        (b"MAIL FROM:<>", 250),
        (b"mail from:<a@b.test>", 250),
        (b"MAIL FROM: <a@b.test>", 501),
        (b"MAIL FROM :<a@b.test>", 501),
        (b"MAIL FROM:a@b.test", 501),
        (b"MAIL FROM:<a@b.test", 501),
        (b"MAIL FROM:<a b@b.test>", 501),
        (b"MAIL FROM:<a@b.test>SIZE=1", 501),
        (b"MAIL", 501),
        (b"MAIL FROM:<a@b.test> SIZE=1000 BODY=8BITMIME", 250),
        (b"MAIL FROM:<a@b.test> body=7bit", 250),
        (b"MAIL FROM:<a@b.test> BODY=9BIT", 501),
        (b"MAIL FROM:<a@b.test> SIZE=x", 501),
        (b"MAIL FROM:<a@b.test> SIZE", 501),
        (b"MAIL FROM:<a@b.test> SIZE=52428801", 552),
        (b"MAIL FROM:<a@b.test> SIZE=99999999999999999999", 552),
        (b"MAIL FROM:<a@b.test> SIZE=1 SIZE=1", 501),
        (b"MAIL FROM:<a@b.test> WHAT=1", 555),
        (b"MAIL FROM:<a@b.test> AUTH=<>", 555),
        (b"MAIL FROM:<a@b.test>  SIZE=1", 501),
        (b"MAIL FROM:<a@b.test> ", 250),
    ],
)
def test_one_command_after_ehlo(line: bytes, code: int) -> None:
    assert greeted().codes(line) == [code]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"<alice@example.test>", 250),
        (b"<ALICE@EXAMPLE.TEST>", 250),
        (b'<"alice"@example.test>', 250),
        (b'<"al\\ice"@example.test>', 250),
        (b"<alice+detail@example.test>", 250),
        (b"<@a.test,@b.test:alice@example.test>", 250),
        (b"<Postmaster>", 250),
        (b"<pOSTMASTER@example.test>", 250),
        (b"<nobody@example.test>", 550),
        (b"<alice@elsewhere.test>", 550),
        (b"<alice@elsewhere.test@example.test>", 501),
        (b"<alice%elsewhere.test@example.test>", 550),
        (b"<>", 501),
        (b"<alice>", 501),
        (b"<alice@example.test> WHAT=NEVER", 555),
        (b"<.alice@example.test>", 501),
        (b"<" + b"a" * 65 + b"@example.test>", 501),
        (b"<a@" + b"b." * 126 + b"test>", 501),
    ],
)
def test_one_recipient(path: bytes, code: int) -> None:
    peer = greeted()
    assert peer.codes(b"MAIL FROM:<>", b"RCPT TO:" + path) == [250, code]


def test_mail_comes_after_hello_and_not_twice() -> None:
    peer = bench()
    assert peer.codes(b"NOOP", b"VRFY x", b"RSET", b"MAIL FROM:<>") == [250, 252, 250, 503]
    assert peer.codes(b"EHLO a.test", b"MAIL FROM:<>", b"MAIL FROM:<>") == [250, 250, 503]


@pytest.mark.parametrize("line", [b"RSET", b"EHLO client.test", b"HELO client.test"])
def test_a_transaction_is_dropped(line: bytes) -> None:
    peer = greeted()
    assert peer.codes(*ENVELOPE, line, b"DATA") == [250, 250, 250, 503]


@pytest.mark.parametrize("line", [b"EHLO", b"NOOP", b"VRFY bob", b"WHAT", b"RSET x", b"MAIL FROM:<>"])
def test_a_transaction_survives(line: bytes) -> None:
    peer = greeted()
    peer.codes(*ENVELOPE, line)
    assert peer.codes(b"DATA") == [354]


def test_data_without_an_accepted_recipient() -> None:
    peer = greeted()
    assert peer.codes(b"MAIL FROM:<>", b"DATA") == [250, 503]
    assert peer.codes(b"RCPT TO:<nobody@example.test>", b"DATA") == [550, 554]
    assert peer.codes(b"RCPT TO:<bob@example.test>", b"DATA") == [250, 354]


def test_pipelined_in_one_piece() -> None:
    peer = greeted()
    assert codes(
        peer.driver.send(
            b"MAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
            b"\r\none\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n\r\ntwo\r\n.\r\nQUIT\r\n"
        )
    ) == [250, 550, 250, 354, 250, 250, 250, 354, 250, 221]
    assert [taken.text for taken in peer.taken] == [b"\r\none\r\n", b"\r\ntwo\r\n"]
    assert peer.driver.ended


def test_recipients_up_to_the_limit() -> None:
    peer = greeted(max_recipients=120)
    more = [b"RCPT TO:<alice+%d@example.test>" % number for number in range(121)]
    assert peer.codes(b"MAIL FROM:<>", *more) == [250] * 121 + [452]
    assert peer.codes(b"DATA") == [354]
    peer.send(b".")
    assert len(peer.taken[0].envelope.recipients) == 120


def test_refused_recipients_count_for_the_limit() -> None:
    """RFC 9422 §4.2: RCPTMAX is for RCPT commands, whatever becomes of them."""
    peer = greeted(max_recipients=3)
    assert b"LIMITS RCPTMAX=3\r\n" in peer.send(b"EHLO client.test")
    nobody, bob = b"RCPT TO:<nobody@example.test>", b"RCPT TO:<bob@example.test>"
    assert peer.codes(b"MAIL FROM:<>", bob, nobody, bob, bob) == [250, 250, 550, 250, 452]
    assert peer.codes(b"RSET", b"MAIL FROM:<>", bob) == [250, 250, 250]


def test_limits_has_no_value_of_seven_digits() -> None:
    assert b"LIMITS" not in greeted(max_recipients=1_000_000).send(b"EHLO client.test")


# Lines


def test_the_longest_command_line_is_taken() -> None:
    peer = greeted()
    assert peer.codes(b"NOOP " + b"x" * (512 - 7)) == [250]
    assert peer.codes(b"NOOP " + b"x" * (513 - 7)) == [500]
    assert peer.codes(b"NOOP " + b"x" * 20_000) == [500]
    assert peer.codes(b"NOOP") == [250]


def test_a_line_without_an_end_costs_no_memory() -> None:
    peer = greeted()
    for _ in range(40):
        assert peer.driver.send(b"x" * 20_000) == b""
        assert len(peer.driver.session.inbox) < 40_000
    assert codes(peer.driver.send(b"\r")) == []
    assert codes(peer.driver.send(b"\nNOOP\r\n")) == [500, 250]


def test_a_line_that_never_ends_is_cut_off() -> None:
    peer = greeted()
    said = b""
    while not peer.driver.ended:
        said += peer.driver.send(b"x" * 100_000)
    assert codes(said) == [421]


def test_a_bare_lf_ends_no_command() -> None:
    peer = greeted()
    assert peer.driver.send(b"NOOP\n") == b""
    assert codes(peer.driver.send(b"\r\n")) == [500]


def test_a_line_must_come_within_one_time_out() -> None:
    peer = greeted(command_timeout_s=300.0)
    peer.clock.advance(1000.0)
    peer.driver.send(b"NO")
    peer.clock.advance(200.0)
    peer.driver.send(b"OP")
    assert peer.driver.waiting == Input(100.0)
    assert peer.driver.time_out().startswith(b"421 4.4.2 ")
    assert peer.driver.ended


def test_many_pipelined_commands_leave_others_their_turn() -> None:
    peer = greeted()
    assert peer.codes(*[b"NOOP"] * 1000) == [250] * 1000
    assert sum(isinstance(effect, Flush) for effect in peer.driver.effects) == 4


# Ends


def test_421_when_the_server_stops() -> None:
    peer = greeted()
    assert peer.driver.shut_down() == b"421 4.3.2 mx.example.test is shutting down\r\n"
    assert peer.driver.ended


TRANSACTION = b"MAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"NO",
        b"x" * 20_000,
        TRANSACTION,
        TRANSACTION + b"DATA\r\nhalf a",
        TRANSACTION + b"BDAT 9\r\nhalf",
    ],
)
def test_421_in_every_state(octets: bytes) -> None:
    """RFC 5321 §3.8: when the server stops, and when the client says nothing more; and nothing is taken."""
    stopped, silent = greeted(), greeted()
    stopped.driver.send(octets)
    silent.driver.send(octets)
    assert stopped.driver.shut_down().startswith(b"421 4.3.2 mx.example.test ")
    assert silent.driver.time_out().startswith(b"421 4.4.2 mx.example.test ")
    assert (stopped.driver.ended, silent.driver.ended) == (True, True)
    assert stopped.taken == silent.taken == []


def test_no_reply_line_is_too_long() -> None:
    """RFC 5321 §4.5.3.1.5."""
    peer = greeted()
    name = b".".join([b"a" * 63] * 4)[:255]
    for line in (b"EHLO " + name, b"HELO " + name, b"HELP", b"VRFY " + b"x" * 500, b"MAIL FROM:<" + name):
        assert all(len(said) <= 510 for said in peer.send(line).split(b"\r\n"))


def test_silence_when_the_client_goes() -> None:
    peer = greeted()
    assert peer.driver.end() == b""
    assert peer.driver.ended


def test_too_many_errors() -> None:
    peer = greeted(max_errors=3)
    assert peer.codes(b"A", b"B", b"C") == [500] * 3
    assert peer.codes(b"D") == [500, 421]
    assert peer.driver.ended


# STARTTLS


def test_starttls_forgets_everything() -> None:
    peer = greeted()
    peer.send(*ENVELOPE)
    assert codes(peer.driver.send(b"STARTTLS\r\nEHLO injected.test\r\nNOOP\r\n")) == [220]
    assert peer.codes(b"MAIL FROM:<>") == [503]
    assert b"STARTTLS" not in peer.send(b"EHLO client.test")
    assert peer.codes(b"STARTTLS", b"STARTTLS x", b"DATA") == [503, 501, 503]
    deliver(peer, b".\r\n")
    assert peer.taken[0].envelope.protocol == "ESMTPS"


def test_a_failed_handshake_ends_the_session() -> None:
    peer = greeted()
    peer.driver.tls_succeeds = False
    assert peer.codes(b"STARTTLS") == [220]
    assert peer.driver.ended


def test_starttls_is_only_there_if_it_is_offered() -> None:
    peer = greeted(offers_starttls=False)
    assert b"STARTTLS" not in peer.send(b"EHLO client.test")
    assert peer.codes(b"STARTTLS") == [502]


# The desk and the store


def test_a_message_that_cannot_be_stored_stays_with_the_client() -> None:
    peer = greeted()
    peer.driver.commit_fails = True
    assert deliver(peer, b"x\r\n.\r\n") == 451
    peer.driver.commit_fails = False
    assert deliver(peer, b"x\r\n.\r\n") == 250


def test_the_desk_may_refuse_a_text() -> None:
    peer = greeted()
    peer.desk.refuses_text = Refusal(554, "5.4.6", "loop")
    assert deliver(peer, b"x\r\n.\r\n") == 554
    assert not peer.taken


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_nonsense_gets_one_refusal_for_each_line(lines: list[bytes]) -> None:
    lines = [line.replace(b"\r\n", b"") for line in lines]
    peer = bench()
    replies = codes(peer.driver.send(b"".join(b"=" + line.rstrip(b"\r") + b"\r\n" for line in lines)))
    assert replies == [500] * len(lines)


# Seeded defects


@pytest.mark.parametrize(
    ("fault", "lines", "right", "wrong"),
    [
        ("smtp-verb-case", [b"noop"], [250], [500]),
        ("smtp-noop-arg", [b"NOOP x"], [250], [501]),
        ("smtp-vrfy-claims", [b"VRFY nobody"], [252], [250]),
        ("smtp-null-sender-rejected", [b"MAIL FROM:<>"], [250], [550]),
        ("smtp-data-no-rcpt", [b"MAIL FROM:<>", b"DATA", b"x", b"."], [250, 503, 500, 500], [250, 354, 250]),
        ("smtp-rset-ignored", [*ENVELOPE, b"RSET", b"DATA"], [250, 250, 250, 503], [250, 250, 250, 354]),
        (
            "smtp-rcpt-limit-50",
            [b"MAIL FROM:<>", *([b"RCPT TO:<bob@example.test>"] * 51)],
            [250] * 52,
            [250] * 51 + [452],
        ),
    ],
)
def test_defects_in_codes(fault: str, lines: list[bytes], right: list[int], wrong: list[int]) -> None:
    assert greeted().codes(*lines) == right
    assert greeted(faults=(fault,)).codes(*lines) == wrong


def test_defect_multiline_codes() -> None:
    peer = bench(faults=("smtp-multiline-codes",))
    answer = peer.send(b"EHLO client.test")
    assert {line[:3] for line in answer.split(b"\r\n")[:-1]} == {b"250", b"251"}


def test_defects_of_starttls() -> None:
    injected = greeted(faults=("smtp-starttls-injection",))
    session = injected.driver.session
    assert codes(injected.driver.send(b"STARTTLS\r\nNOOP\r\n")) == [220, 250]
    assert not session.inbox
    kept = greeted(faults=("smtp-starttls-state-kept",))
    assert kept.codes(b"STARTTLS") == [220]
    assert kept.codes(b"MAIL FROM:<>") == [250]


def test_the_submission_role_needs_a_login_and_the_mx_role_offers_none() -> None:
    assert greeted(Role.SUBMISSION).codes(b"MAIL FROM:<>") == [530]
    assert b"AUTH" not in greeted(secure=True).send(b"EHLO client.test")
