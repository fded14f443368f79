"""Responses: the RFCs' own examples, and a table of what the grammar refuses and where."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import Condition
from harness.wire.imap import (
    AppendUid,
    Capability,
    Continuation,
    CopyUid,
    Data,
    Enabled,
    ESearch,
    Exists,
    Expunge,
    Flags,
    ListData,
    NamespaceEntry,
    Namespaces,
    OtherData,
    Recent,
    Response,
    ResponseCode,
    SearchData,
    SequenceSet,
    ServerId,
    SortData,
    Status,
    StatusData,
    ThreadData,
    Value,
    Vanished,
    parse_greeting,
    parse_response,
)


def status_of(line: bytes) -> Status:
    response = parse_response(line + b"\r\n")
    assert isinstance(response, Status)
    return response


def value_of(line: bytes) -> Value:
    response = parse_response(line + b"\r\n")
    assert isinstance(response, Data)
    return response.value


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (
            b"* CAPABILITY IMAP4rev2 STARTTLS AUTH=GSSAPI",
            Capability(("IMAP4REV2", "STARTTLS", "AUTH=GSSAPI")),
        ),
        (b"* ENABLED CONDSTORE QRESYNC", Enabled(("CONDSTORE", "QRESYNC"))),
        (b"* ENABLED", Enabled(())),
        (rb"* FLAGS (\Answered $Junk)", Flags((rb"\Answered", b"$Junk"))),
        (b"* FLAGS ()", Flags(())),
        (b"* 23 EXISTS", Exists(23)),
        (b"* 0 EXISTS", Exists(0)),
        (b"* 5 RECENT", Recent(5)),
        (b"* 44 expunge", Expunge(44)),
        (rb'* LIST (\Noselect) "/" ~/Mail/foo', ListData((rb"\Noselect",), b"/", b"~/Mail/foo")),
        (b'* LIST () "." iNbOx', ListData((), b".", b"INBOX")),
        (b'* LIST () NIL "two words"', ListData((), None, b"two words")),
        (rb'* LIST () "\\" x', ListData((), b"\\", b"x")),
        (b"* LIST () nil {3}\r\n\xe9x%", ListData((), None, b"\xe9x%")),
        (b"* LSUB () NIL NIL", ListData((), None, b"NIL", subscribed=True)),
        (
            b'* LIST () "/" "foo2" ("CHILDINFO" ("SUBSCRIBED"))',
            ListData((), b"/", b"foo2", ((b"CHILDINFO", (b"SUBSCRIBED",)),)),
        ),
        (
            b'* LIST (\\Marked) ":" Tables (tablecloth (("edge" "lacy") ("color" "red")) X-Sample ("text"))',
            ListData(
                (rb"\Marked",),
                b":",
                b"Tables",
                ((b"TABLECLOTH", ((b"edge", b"lacy"), (b"color", b"red"))), (b"X-SAMPLE", (b"text",))),
            ),
        ),
        (
            b"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
            StatusData(b"blurdybloop", 231, uid_next=44292),
        ),
        (b"* STATUS x ()", StatusData(b"x")),
        (
            b"* STATUS x (SIZE 9223372036854775807 HIGHESTMODSEQ 0 MAILBOXID (F-1) APPENDLIMIT NIL)",
            StatusData(
                b"x", size=2**63 - 1, highest_mod_seq=0, mailbox_id=b"F-1", others=((b"APPENDLIMIT", None),)
            ),
        ),
        (b"* SEARCH", SearchData(())),
        (b"* SEARCH 2 84 882", SearchData((2, 84, 882))),
        (b"* SEARCH 2 5 6 (MODSEQ 917162500)", SearchData((2, 5, 6), 917162500)),
        (b"* SORT 5 3 4", SortData((5, 3, 4))),
        (b"* THREAD", ThreadData(())),
        (b"* THREAD (2)(3 6 (4 23)(44 7 96))", ThreadData(((2,), (3, 6, (4, 23), (44, 7, 96))))),
        (b"* THREAD ((3)(5))", ThreadData((((3,), (5,)),))),
        (b"* ESEARCH", ESearch(None, uid=False)),
        (b'* ESEARCH (TAG "A284")', ESearch(b"A284", uid=False)),
        (
            b'* ESEARCH (TAG "A285") UID MIN 7 MAX 3800 COUNT 0',
            ESearch(b"A285", uid=True, min=7, max=3800, count=0),
        ),
        (b"* ESEARCH UID", ESearch(None, uid=True)),
        (b"* ESEARCH (TAG A1) ALL 2,10:11", ESearch(b"A1", uid=False, all=SequenceSet(((2, 2), (10, 11))))),
        (
            b"* ESEARCH (TAG a) UID PARTIAL (-1:-100 200:250) MODSEQ 7",
            ESearch(b"a", uid=True, mod_seq=7, others=((b"PARTIAL", (b"-1:-100", b"200:250")),)),
        ),
        (b'* NAMESPACE (("" "/")) NIL NIL', Namespaces((NamespaceEntry(b"", b"/"),), (), ())),
        (
            b'* NAMESPACE (("" "/" "X-PARAM" ("FLAG1" "FLAG2"))("#mh/" NIL)) (("~" "/")) NIL',
            Namespaces(
                (
                    NamespaceEntry(b"", b"/", ((b"X-PARAM", (b"FLAG1", b"FLAG2")),)),
                    NamespaceEntry(b"#mh/", None),
                ),
                (NamespaceEntry(b"~", b"/"),),
                (),
            ),
        ),
        (b"* ID NIL", ServerId(())),
        (b'* ID ("name" "Cyrus" "os" NIL)', ServerId(((b"name", b"Cyrus"), (b"os", None)))),
        (b"* VANISHED (EARLIER) 41,43:116", Vanished(SequenceSet(((41, 41), (43, 116))), earlier=True)),
        (b"* VANISHED 405,410:407", Vanished(SequenceSet(((405, 405), (407, 410))), earlier=False)),
        (b'* QUOTA "" (STORAGE 10 512)', OtherData(b"QUOTA", None, (b"", (b"STORAGE", b"10", b"512")))),
        (rb"* 7 X-THING \Seen nil ~{2}" + b"\r\n\0\0", OtherData(b"X-THING", 7, (rb"\Seen", None, b"\0\0"))),
    ],
)
def test_data(line: bytes, value: Value) -> None:
    assert value_of(line) == value


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"* OK [ALERT] System shutdown in 10 minutes", ResponseCode(b"ALERT")),
        (b"* OK [unseen 12] x", ResponseCode(b"UNSEEN", b"12", 12)),
        (
            rb"* OK [PERMANENTFLAGS (\Deleted \*)] x",
            ResponseCode(b"PERMANENTFLAGS", rb"(\Deleted \*)", (rb"\Deleted", rb"\*")),
        ),
        (b"* OK [PERMANENTFLAGS ()] x", ResponseCode(b"PERMANENTFLAGS", b"()", ())),
        (b"* OK [CAPABILITY IMAP4rev1] x", ResponseCode(b"CAPABILITY", b"IMAP4rev1", ("IMAP4REV1",))),
        (b"A OK [READ-WRITE] ", ResponseCode(b"READ-WRITE")),
        (
            b"A OK [APPENDUID 38505 3955] APPEND completed",
            ResponseCode(b"APPENDUID", b"38505 3955", AppendUid(38505, SequenceSet(((3955, 3955),)))),
        ),
        (
            b"A OK [COPYUID 38505 304,319:320 3956:3958] Done",
            ResponseCode(
                b"COPYUID",
                b"38505 304,319:320 3956:3958",
                CopyUid(38505, SequenceSet(((304, 304), (319, 320))), SequenceSet(((3956, 3958),))),
            ),
        ),
        (b"A NO [BADCHARSET] x", ResponseCode(b"BADCHARSET", None, ())),
        (
            b'A NO [BADCHARSET (UTF-8 "US-ASCII")] x',
            ResponseCode(b"BADCHARSET", b'(UTF-8 "US-ASCII")', (b"UTF-8", b"US-ASCII")),
        ),
        (b"A OK [MODIFIED 7,9] x", ResponseCode(b"MODIFIED", b"7,9", SequenceSet(((7, 7), (9, 9))))),
        (
            b"A OK [HIGHESTMODSEQ 715194045007] x",
            ResponseCode(b"HIGHESTMODSEQ", b"715194045007", 715194045007),
        ),
        (b"A OK [MAILBOXID (F2212ea8)] x", ResponseCode(b"MAILBOXID", b"(F2212ea8)", b"F2212ea8")),
        (b'A OK [INPROGRESS ("A" 1 NIL)] x', ResponseCode(b"INPROGRESS", b'("A" 1 NIL)')),
        (b"A NO [X-UNKNOWN (a [b c)] x", ResponseCode(b"X-UNKNOWN", b"(a [b c)")),
        (b"A NO [ a text without a code", None),
        (b"A NO ", None),
    ],
)
def test_response_codes(line: bytes, code: ResponseCode | None) -> None:
    assert status_of(line).code == code


def test_status() -> None:
    octets = b"a.b/1 No [NONEXISTENT] there is none\r\n"
    assert parse_response(octets) == Status(
        b"a.b/1", Condition.NO, ResponseCode(b"NONEXISTENT"), b"there is none", octets
    )
    assert status_of("* OK grüß dich".encode()).text == "grüß dich".encode()


@pytest.mark.parametrize("octets", [b"+ idling\r\n", b"+ \r\n", b"+ YGgGCSqGSIb3DQEHAgI=\r\n"])
def test_continuation(octets: bytes) -> None:
    assert parse_response(octets) == Continuation(octets[2:-2], octets)


@pytest.mark.parametrize(
    "line", [b"* OK hello", b"* PREAUTH hello", b"* BYE no", b"* ok [CAPABILITY IMAP4rev1] x"]
)
def test_greetings(line: bytes) -> None:
    assert parse_greeting(line + b"\r\n").tag is None


@pytest.mark.parametrize(
    "line", [b"* NO hello", b"* BAD hello", b"A OK hello", b"+ OK", b"* CAPABILITY IMAP4rev1"]
)
def test_what_is_no_greeting(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="a greeting"):
        parse_greeting(line + b"\r\n")


REFUSED = [
    # line, offset at which the reading stops
    (b"", 0),
    (b" OK x", 0),
    (b"*OK x", 1),
    (b"*  OK x", 2),
    (b"* OK", 4),
    (b"*", 1),
    (b"* OK\ttext", 4),
    (b"A", 1),
    (b"A OK", 4),
    (b"A  OK x", 2),
    (b"A PREAUTH x", 2),
    (b"A BYE x", 2),
    (b"A FETCH x", 2),
    (b"A+1 OK x", 1),
    (b"+", 1),
    (b"+go on", 1),
    (b"* OK a\rb", 6),
    (b"* OK a\0b", 6),
    (b"* OK \xff", 5),
    (b"* OK [UIDNEXT 0] x", 14),
    (b"* OK [UIDNEXT] x", 13),
    (b"* OK [UIDNEXT 4294967296] x", 14),
    (b"* OK [UIDVALIDITY  1] x", 18),
    (b"* OK [UIDNEXT 1]x", 16),
    (b"* OK [ALERT]", 12),
    (b"* OK [ALERT ] x", 12),
    (b"* OK [(] x", 6),
    (rb"* OK [PERMANENTFLAGS (\Seen  \Draft)] x", 28),
    (b"* OK [CAPABILITY STARTTLS] x", 25),
    (b"A OK [APPENDUID 1 *] x", 18),
    (b"A OK [COPYUID 1 1:3 4:5] x", 20),
    (b"* 0 EXPUNGE", 2),
    (b"* 01 EXPUNGE", 2),
    (b"* 1 EXPUNGE ", 11),
    (b"* 4294967296 EXISTS", 2),
    (b"* EXISTS", 2),
    (b"* 1  EXISTS", 4),
    (b"* 1 FLAGS ()", 2),
    (b"* SEARCH ", 9),
    (b"* SEARCH 1 ", 11),
    (b"* SEARCH 1  2", 11),
    (b"* SEARCH 0", 9),
    (b"* SEARCH 1 2x", 12),
    (b"* SEARCH (MODSEQ 1)", 9),
    (b"* SEARCH 1 (MODSEQ 0)", 19),
    (b"* CAPABILITY STARTTLS", 21),
    (b"* CAPABILITY IMAP4rev1 ", 23),
    (b"* CAPABILITY  IMAP4rev1", 13),
    (rb"* FLAGS \Seen", 8),
    (rb"* FLAGS (\*)", 9),
    (rb"* FLAGS (\Seen )", 15),
    (b'* LIST () "/"', 13),
    (b'* LIST (Noselect) "/" x', 8),
    (b'* LIST () "//" x', 10),
    (b'* LIST () "" x', 10),
    (b"* LIST () / x", 10),
    (b'* LIST () "/" a b', 16),
    (b'* LIST () "/" a%', 15),
    (b'* LIST () "/" "a', 16),
    (rb'* LIST () "/" "a\b"', 16),
    (b'* LIST () "/" "a\xffb"', 16),
    (b'* LSUB () "/" a ()', 15),
    (b"* STATUS x (MESSAGES)", 20),
    (b"* STATUS x (UIDNEXT 0)", 20),
    (b"* STATUS x (MESSAGES 1 )", 23),
    (b"* STATUS x (MESSAGES -1)", 21),
    (b"* STATUS x MESSAGES 1", 11),
    (b"* ESEARCH ", 10),
    (b'* ESEARCH (TAG "a" ) COUNT 1', 18),
    (b"* ESEARCH MIN 0", 14),
    (b"* ESEARCH ALL $", 14),
    (b"* ESEARCH COUNT", 15),
    (b"* ESEARCH ALL 1,,2", 15),
    (b"* NAMESPACE NIL NIL", 19),
    (b"* NAMESPACE () NIL NIL", 13),
    (b'* NAMESPACE (("" "/") ("" "/")) NIL NIL', 21),
    (b"* ID ()x", 7),
    (b'* ID ("name")', 12),
    (b"* VANISHED 1:*", 12),
    (b"* VANISHED", 10),
    (b"* THREAD (1 (2))", 15),
    (b"* THREAD ()", 10),
    (b"* THREAD 1", 9),
    (b"* XYZZY (", 9),
    (b"* XYZZY  a", 8),
]


@pytest.mark.parametrize(("line", "offset"), REFUSED)
def test_what_the_grammar_refuses(line: bytes, offset: int) -> None:
    octets = line + b"\r\n"
    with pytest.raises(RemoteProtocolError) as refusal:
        read_all(parse_response(octets))
    assert (refusal.value.octets, refusal.value.offset) == (octets, offset), refusal.value


def read_all(response: Response) -> object:
    return response.value if isinstance(response, Data) else response


@given(octets=st.binary(max_size=60))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    line = octets.replace(b"\n", b"")
    for start in (b"", b"* ", b"* 1 FETCH (", b"* OK [", b"* LIST (", b"A OK ", b"+ "):
        with contextlib.suppress(RemoteProtocolError):
            read_all(parse_response(start + line + b"\r\n"))


def test_a_list_too_deep_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="lists within lists"):
        value_of(b"* XYZZY " + b"(" * 5000 + b")" * 5000)


def test_data_are_read_only_when_asked_for() -> None:
    response = parse_response(b"* 1 FETCH nonsense\r\n")
    assert isinstance(response, Data)
    assert (response.number, response.name) == (1, b"FETCH")
    with pytest.raises(RemoteProtocolError):
        _ = response.value
