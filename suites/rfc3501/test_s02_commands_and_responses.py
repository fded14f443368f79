"""RFC 3501 §2.1, §2.2: octets, tags, and the three completions."""

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import PROSE, SHOULD, given, requirement, verify, verify_equal, verify_refused
from harness.strategies import chunks, commands
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.imap import Condition
from harness.wire.imap import Status
from suites.imap.talk import IMAP, offers
from suites.imap.tampering import answered

_IN_PIECES = b'x1 NOOP\r\nx2 STATUS "INBOX" (MESSAGES)\r\nx3 LIST "" "INBOX"\r\nx4 CAPABILITY\r\n'
_ORDINARY_TAGS = st.from_regex(rb"[A-Za-z0-9]{1,12}", fullmatch=True)
_TAGS = (b"x1", b"x2", b"x3", b"x4")


@requirement(
    "rfc3501/2.1/octet-stream",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"\A[A-Za-z](?=[^\n]*\Z)", b"#"),
)
@given(pieces=chunks.chunkings(_IN_PIECES, max_splits=5))
def test_commands_in_pieces_are_the_same_commands(target: Target, pieces: list[bytes]) -> None:
    """However command lines are cut in transit, each is answered as when it came whole."""
    with target.imap_mailbox() as box:
        client = box.client
        client.send_raw(pieces[0], *_TAGS)
        for piece in pieces[1:]:
            client.send_raw(piece)
        kinds = [client.finish(tag).kind.value for tag in _TAGS]
        verify_equal("the completions of four good commands", expected=["OK"] * 4, actual=kinds)


@requirement(
    "rfc3501/2.2.2/tag-echoed",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(
        rb"^[^*+\s]*[a-z][^*+\s]*(?= (?:OK|NO|BAD) )", lambda found: found.group().swapcase()
    ),
    also=["rfc9051/2.2.2/tag-echoed"],
)
@example(tags=[b"aZ1", b"Az2"])
@given(tags=st.lists(_ORDINARY_TAGS, min_size=1, max_size=6, unique=True))
def test_the_completion_bears_the_commands_tag(target: Target, tags: list[bytes]) -> None:
    """A completion has the tag of its command, octet for octet."""
    with target.imap_mailbox() as box:
        for tag in tags:
            box.client.send_raw(tag + b" NOOP\r\n", tag)
            verify_equal("the tag", expected=tag, actual=box.client.finish(tag).tagged.tag)


@requirement(
    "rfc3501/9/resp-text",
    level=PROSE,
    needs=offers("IMAP4REV1"),
    refuted_by=Fault("imap-tagged-without-text"),
    also=["rfc9051/9/resp-text"],
)
def test_a_completion_has_a_text(target: Target) -> None:
    """A status response has a text behind its condition, and behind its code if it has one."""
    with target.imap_mailbox() as box:
        for command in (b"NOOP", b"CAPABILITY", b"SELECT " + box.fresh_name(), b"NO-SUCH-COMMAND"):
            box.client.send_raw(b"x1 " + command + b"\r\n", b"x1")
            told = box.client.finish(b"x1").tagged
            verify(told.text, expected="a text of one character at least", actual=told.octets)


@requirement(
    "rfc3501/9/tag-characters",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^[^*+\s]*\][^*+\s]* OK ", b"* BAD "),
    also=["rfc9051/9/tag-characters"],
)
@given(tags=st.lists(commands.tags() | st.just(b"a]b"), min_size=1, max_size=6, unique=True))
def test_every_legal_tag_is_taken(target: Target, tags: list[bytes]) -> None:
    """A tag may have any ASTRING-CHAR in it but `+`: `]` too, and all that an atom may have."""
    with target.imap_mailbox() as box:
        for tag in tags:
            box.client.send_raw(tag + b" NOOP\r\n", tag)
            response = box.client.read_response()
            verify(
                isinstance(response, Status) and response.tag == tag and response.kind is Condition.OK,
                expected=f"NOOP completed by OK with the tag {tag!r}",
                actual=response.octets,
            )


@requirement(
    "rfc3501/2.2.2/unknown-command-bad",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"QXYZZYQ", b"OK", of=b"BAD"),
    also=["rfc9051/2.2.2/unknown-command-bad"],
)
@given(verbs=st.lists(st.just(b"QXYZZYQ") | commands.unknown_verbs(), min_size=1, max_size=3))
def test_an_unknown_command_is_bad(target: Target, verbs: list[bytes]) -> None:
    """A command that the server does not know is answered BAD, and nothing else comes of it."""
    with target.imap_mailbox() as box:
        for verb in verbs:
            verify_refused(box.client.command(verb), "an unrecognized command", kinds={"BAD"})


_BROKEN = (
    b"SELECT",
    b"STATUS INBOX",
    b"STATUS INBOX MESSAGES",
    b'LIST ""',
    b"CREATE",
    b"FETCH 1",
    b"FETCH 1 (FLAGS",
    b"FETCH 1 NONSENSE",
    b"FETCH 1 BODY[",
    b"STORE 1 FLAGS",
    rb"STORE 1 *FLAGS (\Seen)",
    b"SEARCH",
    b"SEARCH NOT",
    b"SEARCH OR SEEN",
    b"SEARCH SINCE yesterday",
    b"SEARCH (ALL",
    b"COPY 1",
    b"UID",
    b"UID FETCH 1",
    b'STATUS "INBOX (MESSAGES)',
)


_BROKEN_SETS = (
    *(b"0", b"-1", b"4294967296"),
    *(b"1,", b",1", b"1,,2"),
    *(b"1:", b":1", b"1:2:3", b"1:0"),
    *(b"1-2", b"1 2", b"()"),
)
_TOO_MANY_SPACES = (
    b"FETCH  1 FLAGS",
    b"FETCH 1  FLAGS",
    b"FETCH 1 ( FLAGS)",
    b"STATUS INBOX  (MESSAGES)",
    b"SEARCH  ALL",
    rb"STORE 1 FLAGS  (\Seen)",
)


@requirement(
    "rfc3501/2.2.2/syntax-error-bad",
    level=SHOULD,
    needs=IMAP,
    refuted_by=answered(b"FETCH STATUS SEARCH STORE", b"OK", of=b"BAD"),
    also=["rfc9051/2.2.2/syntax-error-bad"],
)
@given(lines=st.lists(st.sampled_from(_BROKEN), min_size=3, max_size=8, unique=True))
@example(lines=list(_BROKEN))
def test_a_syntax_error_is_bad(target: Target, lines: list[bytes]) -> None:
    """A command with missing or malformed arguments is rejected with BAD."""
    _judge(target, lines)


@requirement(
    "rfc3501/2.2.2/malformed-set-bad",
    level=SHOULD,
    needs=IMAP,
    refuted_by=answered(b"FETCH", b"OK", of=b"BAD"),
    also=["rfc9051/2.2.2/malformed-set-bad"],
)
@given(sets=st.lists(st.sampled_from(_BROKEN_SETS), min_size=2, max_size=6, unique=True))
def test_a_malformed_sequence_set_is_bad(target: Target, sets: list[bytes]) -> None:
    """A command whose sequence set is malformed, or has a number that is none, is rejected with BAD."""
    _judge(target, [b"FETCH " + each + b" FLAGS" for each in sets])


@requirement(
    "rfc3501/2.2.2/extraneous-space-bad",
    level=SHOULD,
    needs=IMAP,
    refuted_by=answered(b"FETCH STATUS SEARCH STORE", b"OK", of=b"BAD"),
    also=["rfc9051/2.2.2/extraneous-space-bad"],
)
@given(lines=st.lists(st.sampled_from(_TOO_MANY_SPACES), min_size=1, max_size=4, unique=True))
def test_an_extraneous_space_is_bad(target: Target, lines: list[bytes]) -> None:
    """A command with a space too many is rejected with BAD."""
    _judge(target, lines)


def _judge(target: Target, lines: list[bytes]) -> None:
    with target.imap_mailbox() as box:
        box.append(b"Subject: one\r\n\r\n1\r\n")
        box.append(b"Subject: two\r\n\r\n2\r\n")
        for line in lines:
            result = box.client.command(line)
            verify(result.bad, expected=f"BAD in answer to {line!r}", actual=result.tagged.octets)
