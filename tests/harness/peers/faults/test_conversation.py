"""Reading along: commands, texts, literals, replies; and never in the way of an octet."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.faults.conversation import Conversation, open_conversation
from harness.transport.interpose import Spoken

Turn = tuple[str, bytes]
NOISE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"DATA\r\n", b"354 go\r\n", b"\r\n.\r\n", b"a {3}\r\n", b"a {3+}\r\n", b"+ go\r\n", b"a OK\r\n",
            b"RETR 1\r\n", b"+OK\r\n", b"BDAT 5 LAST\r\n", b"250-x\r\n", b"250 x\r\n", b"* 1 FETCH {4}\r\n",
            b"STARTTLS\r\n", b"STLS\r\n", b"AUTH PLAIN\r\n", b"334 \r\n", b"a STARTTLS\r\n",
        ]
    ),
)  # fmt: skip


@given(st.sampled_from(Spoken), st.lists(st.tuples(st.booleans(), NOISE), max_size=30))
def test_no_octet_is_lost_or_changed(spoken: Spoken, turns: list[tuple[bool, bytes]]) -> None:
    conversation = open_conversation(spoken)
    came, passed = {True: b"", False: b""}, {True: b"", False: b""}
    for from_client, octets in [*turns, (True, b""), (False, b"")]:
        came[from_client] += octets
        read = conversation.from_client if from_client else conversation.from_server
        passed[from_client] += b"".join(piece.octets for piece in read(octets))
    assert passed == came


def heard(spoken: Spoken, dialogue: Sequence[Turn], *, cut: int = 10**6) -> tuple[list[bytes], list[bytes]]:
    """The commands that begin, and the words of those whose replies end, in their order."""
    conversation = open_conversation(spoken)
    commands: list[bytes] = []
    answered: list[bytes] = []
    for who, octets in dialogue:
        for start in range(0, len(octets), cut):
            piece = octets[start : start + cut]
            if who == "C":
                commands += [
                    said.command.words
                    for said in conversation.from_client(piece)
                    if said.starts and said.command is not None
                ]
            else:
                answered += [
                    answer.command.words if answer.command else b"(unasked)"
                    for answer in conversation.from_server(piece)
                    if answer.ends
                ]
    return commands, answered


SMTP = [
    ("S", b"220-a\r\n220 b\r\n"),
    ("C", b"EHLO x\r\n"),
    ("S", b"250-x\r\n250 PIPELINING\r\n"),
    ("C", b"AUTH LOGIN\r\n"),
    ("S", b"334 VXNlcm5hbWU6\r\n"),
    ("C", b"RFVURQ==\r\n"),
    ("S", b"235 ok\r\n"),
    ("C", b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n"),
    ("S", b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n"),
    ("C", b"QUIT\r\n..\r\nSTARTTLS\r\n.\r\nNOOP\r\n"),
    ("S", b"250 kept\r\n250 ok\r\n"),
    ("C", b"BDAT 6 LAST\r\nNOOP\r\nRSET\r\n"),
    ("S", b"250 kept\r\n250 ok\r\n421 bye\r\n"),
]
POP3 = [
    ("S", b"+OK\r\n"),
    ("C", b"CAPA\r\nAUTH PLAIN\r\n"),
    ("S", b"+OK\r\nSTLS\r\n.\r\n+ \r\n"),
    ("C", b"QUIT\r\n"),
    ("S", b"+OK in\r\n"),
    ("C", b"RETR 1\r\nLIST 1\r\nLIST\r\nDELE 9\r\n"),
    ("S", b"+OK\r\n-ERR\r\n..\r\n.\r\n+OK 1 2\r\n+OK\r\n.\r\n-ERR no\r\n"),
]
IMAP = [
    ("S", b"* OK hi\r\n"),
    ("C", b"a LOGIN {1}\r\n"),
    ("S", b"+ go\r\n"),
    ("C", b"u {1+}\r\np\r\nb NOOP\r\n"),
    ("S", b"* CAPABILITY X\r\nb OK\r\na OK in\r\n"),
    ("C", b"c IDLE\r\n"),
    ("S", b"+ idling\r\n* 1 EXISTS\r\n"),
    ("C", b"DONE\r\nd FETCH 1 BODY[]\r\n"),
    ("S", b"c OK\r\n* 1 FETCH (BODY[] {10}\r\nd OK no\r\nx)\r\nd OK\r\n"),
    ("C", b"e APPEND x {5}\r\n"),
    ("S", b"e NO [TRYCREATE]\r\n"),
    ("C", b"f NOOP\r\n"),
    ("S", b"f OK\r\n* BYE\r\n"),
]
HEARD = {
    Spoken.SMTP: (
        [b"EHLO x", b"AUTH LOGIN", b"MAIL FROM:<a>", b"RCPT TO:<b>", b"RCPT TO:<c>", b"DATA", b".", b"NOOP",
         b"BDAT 6 LAST", b"RSET"],
        [b"", b"EHLO x", b"AUTH LOGIN", b"MAIL FROM:<a>", b"RCPT TO:<b>", b"RCPT TO:<c>", b"DATA", b".",
         b"NOOP", b"BDAT 6 LAST", b"RSET", b"(unasked)"],
    ),
    Spoken.POP3: (
        [b"CAPA", b"AUTH PLAIN", b"RETR 1", b"LIST 1", b"LIST", b"DELE 9"],
        [b"", b"CAPA", b"AUTH PLAIN", b"RETR 1", b"LIST 1", b"LIST", b"DELE 9"],
    ),
    Spoken.IMAP: (
        [b"LOGIN {1}", b"NOOP", b"IDLE", b"FETCH 1 BODY[]", b"APPEND x {5}", b"NOOP"],
        [b"", b"NOOP", b"LOGIN {1}", b"IDLE", b"FETCH 1 BODY[]", b"APPEND x {5}", b"NOOP"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("cut", [10**6, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("spoken", "dialogue"), [(Spoken.SMTP, SMTP), (Spoken.POP3, POP3), (Spoken.IMAP, IMAP)], ids=str
)
def test_commands_and_their_replies_are_told(spoken: Spoken, dialogue: list[Turn], cut: int) -> None:
    commands, answered = heard(spoken, dialogue, cut=cut)
    expected_commands, expected_answered = HEARD[spoken]
    assert commands == expected_commands
    assert [
        words for words in answered if words != b"(unasked)" or spoken is not Spoken.IMAP
    ] == expected_answered


def test_lmtp_answers_for_each_recipient() -> None:
    dialogue = [
        ("S", b"220 x\r\n"),
        ("C", b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n"),
        ("S", b"250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"),
        ("C", b"x\r\n.\r\nNOOP\r\n"),
        ("S", b"250 kept\r\n452 full\r\n250 ok\r\n"),
    ]
    _, answered = heard(Spoken.LMTP, dialogue)
    assert answered[-3:] == [b"DATA", b".", b"NOOP"]


def conversed(spoken: Spoken, *dialogue: Turn) -> Conversation:
    conversation = open_conversation(spoken)
    for who, octets in dialogue:
        list(conversation.from_client(octets) if who == "C" else conversation.from_server(octets))
    return conversation


@pytest.mark.parametrize(
    ("spoken", "greeting", "asks", "consent", "refusal"),
    [
        (Spoken.SMTP, b"220 hi\r\n", b"starttls\r\n", b"220 go\r\n", b"454 no\r\n"),
        (Spoken.LMTP, b"220 hi\r\n", b"STARTTLS\r\n", b"220 go\r\n", b"454 no\r\n"),
        (Spoken.POP3, b"+OK hi\r\n", b"STLS\r\n", b"+OK go\r\n", b"-ERR no\r\n"),
        (Spoken.IMAP, b"* OK hi\r\n", b"a StartTLS\r\n", b"a OK go\r\n", b"a BAD no\r\n"),
    ],
)
def test_consent_to_tls_is_noticed(
    spoken: Spoken, greeting: bytes, asks: bytes, consent: bytes, refusal: bytes
) -> None:
    started = conversed(spoken, ("S", greeting), ("C", asks), ("S", consent))
    assert started.tls_agreed
    assert not conversed(spoken, ("S", greeting), ("C", asks), ("S", refusal)).tls_agreed
    assert not conversed(spoken, ("S", greeting), ("S", consent)).tls_agreed
    # What was put behind either in clear does not hide it.
    assert conversed(spoken, ("S", greeting), ("C", asks + b"NOOP\r\n"), ("S", consent + refusal)).tls_agreed
    started.tls_started()
    list(started.from_client(asks))
    assert [answer.ends for answer in started.from_server(refusal)] == [True]
    assert not started.tls_agreed


def test_a_line_without_end_passes_in_bounds() -> None:
    conversation = open_conversation(Spoken.IMAP)
    passed = sum(len(said.octets) for _ in range(200) for said in conversation.from_client(b"x" * 1000))
    assert passed >= 200 * 1000 - 65536
    list(conversation.from_client(b"\r\nz NOOP\r\n"))
    assert conversation.latest is not None
    assert conversation.latest.words == b"NOOP"
