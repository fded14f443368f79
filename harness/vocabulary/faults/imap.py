"""Ways for an IMAP server to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry, Seat

_PROXY = frozenset({Seat.PROXY})


def _extension(name: str, summary: str, *requirements: str) -> FaultEntry:
    """A fault that breaks requirements of any RFC; the first names its source."""
    rfc, section, _ = requirements[0].split("/")
    source = f"{rfc[:3].upper()} {rfc[3:]} §{section}"
    return FaultEntry(f"imap-{name}", summary, source, requirements, _PROXY)


def _rev1(name: str, summary: str, requirement: str, *also: str) -> FaultEntry:
    """A fault that breaks a requirement of RFC 3501."""
    return _extension(name, summary, f"rfc3501/{requirement}", *also)


def _both(name: str, summary: str, requirement: str, section: str = "", *also: str) -> FaultEntry:
    """A fault that breaks a requirement of RFC 3501 and its twin, perhaps in another section, of RFC 9051."""
    old, slug = requirement.split("/")
    return _rev1(name, summary, requirement, f"rfc9051/{section or old}/{slug}", *also)


def _uncatalogued(name: str, summary: str, source: str, *breaks: str) -> FaultEntry:
    """A fault whose source is no entry of the catalogue."""
    return FaultEntry(f"imap-{name}", summary, source, breaks, _PROXY)


ENTRIES: tuple[FaultEntry, ...] = (
    _rev1("greeting-no", "the greeting is an untagged NO, and the session goes on", "7.1/greeting"),
    _both("tag-case", "the tag comes back with its letter case swapped", "2.2.2/tag-echoed"),
    _both("tag-atoms-only", "a tag may have letters, digits and dots only", "9/tag-characters"),
    _both("verb-case", "commands in lower case are not recognised", "9/case-insensitive"),
    _both(
        "unknown-command-no",
        "a command that the server does not know is answered NO",
        "2.2.2/unknown-command-bad",
    ),
    _rev1("syntax-error-no", "a known command with wrong arguments is answered NO", "2.2.2/syntax-error-bad"),
    _rev1(
        "spaces-forgiven", "a space too many between arguments is overlooked", "2.2.2/extraneous-space-bad"
    ),
    _rev1("set-zero-is-one", "the number 0 in a sequence set is taken for 1", "2.2.2/malformed-set-bad"),
    _both("seq-descending", "a descending range (4:2) is answered BAD", "9/sequence-set"),
    _both(
        "number-beyond-ok",
        "a message number greater than the number of messages is OK, and nothing",
        "9/number-beyond-the-last",
    ),
    _both("pipelined-swapped", "of commands that come together the last is carried out first", "5.5/order"),
    _rev1(
        "segment-is-command",
        "what comes in one segment is taken for a whole command line",
        "2.1/octet-stream",
    ),
    _both("tagged-without-text", "the tagged OK of NOOP has no text behind it", "9/resp-text"),
    _rev1(
        "literal-empty-refused",
        "a literal of no octets is answered BAD instead of asked for",
        "7.5/continuation",
    ),
    _both(
        "literal-count-off1", "the announced length of a body literal is one octet short", "4.3/literal-count"
    ),
    _extension(
        "literal-plus-asked-for",
        "LITERAL+ is offered, and `+` said to a literal that does not wait for it",
        "rfc7888/3/non-synchronizing",
    ),
    _extension("literal-plus-and-minus", "LITERAL+ and LITERAL- are both offered", "rfc7888/5/not-both"),
    _rev1("capability-no-imap4rev1", "CAPABILITY does not list IMAP4rev1", "6.1.1/capability-response"),
    _both("noop-refused-before-login", "NOOP before the login is answered BAD", "6.1.2/noop-succeeds"),
    _both(
        "logout-no-bye", "LOGOUT sends no untagged BYE", "6.1.3/logout-bye", "6.1.3", "rfc3501/3.4/logout-bye"
    ),
    _rev1(
        "allowed-before-login",
        "a command about mailboxes is answered OK before the login, and nothing comes of it",
        "3.1/authentication-first",
    ),
    _rev1(
        "allowed-unselected",
        "a command about messages is answered OK without a selected mailbox, and nothing comes of it",
        "3.2/selection-first",
    ),
    _uncatalogued(
        "starttls-injection",
        "what came in clear behind STARTTLS is carried out under TLS",
        "RFC 3501 §6.2.1",
        "hazard/starttls-injection-imap",
    ),
    _rev1(
        "login-twice",
        "LOGIN is answered OK in a session that is authenticated already",
        "6.2/authenticated-once",
    ),
    _rev1(
        "logindisabled-login-ok",
        "LOGINDISABLED is announced, and LOGIN accepted",
        "7.2.1/logindisabled-login-no",
    ),
    _both("login-no-literals", "LOGIN with a literal is answered BAD", "6.2.3/login-string-forms"),
    _both("login-failed-bad", "LOGIN with a wrong password is answered BAD", "6.2.3/wrong-password-no"),
    _both(
        "auth-failed-bad", "AUTHENTICATE with wrong credentials is answered BAD", "6.2.2/wrong-credentials-no"
    ),
    _both("auth-cancelled-no", "a cancelled AUTHENTICATE is answered NO", "6.2.2/cancel-bad"),
    _rev1(
        "auth-unknown-bad",
        "a mechanism that the server does not know is answered BAD",
        "6.2.2/unknown-mechanism-no",
    ),
    _extension(
        "sasl-ir-ignored",
        "SASL-IR is offered, and the initial response asked for all the same",
        "rfc4959/3/initial-response",
    ),
    _extension("idle-silent", "IDLE tells new messages only when it is over", "rfc2177/3/new-messages"),
    _extension(
        "idle-news-lost", "what has come while IDLE was active is never told", "rfc2177/3/news-behind-done"
    ),
    _extension("idle-done-ignored", "the first DONE does not end IDLE, a second one does", "rfc2177/3/done"),
    _extension(
        "namespace-other-separator",
        "NAMESPACE tells another hierarchy separator than LIST",
        "rfc2342/5/namespace-response",
    ),
    _extension("id-silent", "ID is answered OK without an ID response", "rfc2971/3.2/id-response"),
    _extension(
        "id-value-too-long",
        "the server's ID has a value of more than 1024 octets",
        "rfc2971/3.3/field-limits",
    ),
    _extension(
        "enable-echoes", "ENABLED names whatever was asked for, known or not", "rfc5161/3.1/unknown-ignored"
    ),
    _extension(
        "enable-silent", "ENABLE is answered OK without an ENABLED response", "rfc5161/3.1/enabled-response"
    ),
    _extension(
        "enable-changes-capability",
        "after ENABLE another capability is listed",
        "rfc5161/3.1/capability-unchanged",
    ),
    _rev1(
        "select-no-flags",
        "SELECT and EXAMINE send no FLAGS response",
        "6.3.1/required-responses",
        "rfc3501/6.3.2/required-responses",
    ),
    _rev1("flags-lack-draft", r"the FLAGS response does not name \Draft", "7.2.6/system-flags"),
    _rev1(
        "unseen-counts",
        r"UNSEEN of SELECT tells how many messages are without \Seen, not which is the first",
        "6.3.1/unseen-first",
    ),
    _rev1("recent-is-exists", "RECENT counts all messages", "7.3.2/recent-counts"),
    _rev1("select-no-read-write", "the OK of SELECT does not say [READ-WRITE]", "6.3.1/read-write"),
    _both(
        "select-failed-stays",
        "after a SELECT that failed the mailbox before it is still selected",
        "6.3.1/failed-select",
        "6.3.2",
    ),
    _both(
        "select-expunges",
        r"SELECT, EXAMINE and LOGOUT remove the messages with \Deleted from the mailbox that they leave",
        "6.4.2/select-does-not-expunge",
        "6.4.1",
    ),
    _rev1("examine-read-write", "the OK of EXAMINE says [READ-WRITE]", "6.3.2/read-only"),
    _rev1("examine-takes-recent", r"messages lose \Recent by EXAMINE", "6.3.2/keeps-recent"),
    _both(
        "examine-store",
        "STORE in a mailbox opened by EXAMINE changes the flags for good",
        "6.3.2/changes-nothing",
        "6.3.3",
    ),
    _both("close-examine-expunges", "CLOSE after EXAMINE expunges", "6.4.2/close-read-only", "6.4.1"),
    _both(
        "close-keeps", r"CLOSE does not remove the messages with \Deleted", "6.4.2/close-expunges", "6.4.1"
    ),
    _extension("unselect-expunges", r"UNSELECT removes the messages with \Deleted", "rfc3691/2/unselect"),
    _rev1(
        "flags-of-session-only",
        r"\Flagged and \Answered last only as long as the session stays in the mailbox",
        "2.3.2/permanent-flags",
    ),
    _both(
        "uidvalidity-drift",
        "UIDVALIDITY grows by one on every SELECT, EXAMINE and STATUS",
        "2.3.1.1/uids-persist",
    ),
    _both(
        "recreated-same-uids",
        "a mailbox made under the name of a deleted one has its UIDVALIDITY, and the same UIDs again",
        "6.3.3/recreated-mailbox-uids",
        "6.3.4",
    ),
    _both(
        "uidnext-ahead",
        "UIDNEXT is one higher than the UID of the message that comes next",
        "2.3.1.1/uidnext-predicts",
    ),
    _both(
        "uidnext-stuck", "UIDNEXT of a mailbox does not change when messages come", "2.3.1.1/uidnext-changes"
    ),
    _both(
        "uids-by-session",
        "each session sees other UIDs, under the same UIDVALIDITY",
        "2.3.1.1/uids-persist",
        "2.3.1.1",
        "rfc3501/2.3.1.1/uid-change-by-uidvalidity",
        "rfc9051/2.3.1.1/uid-change-by-uidvalidity",
    ),
    _both(
        "uids-move-when-reopened",
        "with every SELECT and EXAMINE of a session the messages get other UIDs, under the same UIDVALIDITY",
        "2.3.1.1/uid-change-by-uidvalidity",
    ),
    _both(
        "uids-descend",
        "a message that comes later has a lower UID",
        "2.3.1.1/uids-ascend",
        "2.3.1.1",
        "rfc3501/2.3.1.2/numbers-by-uid",
    ),
    _both("inbox-case", "INBOX is matched case-sensitively", "5.1/inbox-any-case"),
    _both(
        "create-extant-ok", "CREATE of a name that exists is answered OK", "6.3.3/create-extant-no", "6.3.4"
    ),
    _both(
        "create-trailing-separator-nothing",
        "CREATE of a name that ends in the hierarchy separator is answered OK, and nothing is created",
        "6.3.3/trailing-separator",
        "6.3.4",
    ),
    _both(
        "create-superiors-missing",
        "CREATE of a deep name is refused where the level above it is missing",
        "6.3.3/superior-names",
        "6.3.4",
    ),
    _rev1(
        "create-utf7-unchecked", "CREATE takes a name with wrong modified UTF-7", "5.1.3/create-verifies-utf7"
    ),
    _both(
        "delete-inbox-ok",
        "DELETE of INBOX is answered OK, and nothing comes of it",
        "6.3.4/delete-inbox-no",
        "6.3.5",
    ),
    _both("delete-keeps", "DELETE is answered OK, and the mailbox stays", "6.3.4/delete-removes", "6.3.5"),
    _both(
        "delete-takes-inferiors",
        "DELETE removes the mailboxes below the name too",
        "6.3.4/inferiors-stay",
        "6.3.5",
    ),
    _rev1(
        "delete-unsubscribes",
        "DELETE of a mailbox takes its name from the subscriptions",
        "6.3.9/subscription-stays",
    ),
    _both("rename-copies", "after RENAME there is a mailbox under the old name too", "6.3.5/rename", "6.3.6"),
    _both(
        "rename-leaves-inferiors",
        "RENAME leaves the names below the old one as they are",
        "6.3.5/rename-inferiors",
        "6.3.6",
    ),
    _both(
        "rename-refused-ok", "RENAME that cannot be done is answered OK", "6.3.5/rename-errors-no", "6.3.6"
    ),
    _rev1(
        "subscribe-ignored", "SUBSCRIBE is answered OK, and nothing comes of it", "6.3.6/subscribed-is-active"
    ),
    _both("list-percent-deep", "LIST % behaves like *", "6.3.8/wildcards", "6.3.9"),
    _both(
        "list-empty-silent", "LIST with an empty mailbox name tells nothing", "6.3.8/empty-pattern", "6.3.9"
    ),
    _both("list-no-inbox", "INBOX is not among the names that LIST tells", "6.3.8/inbox-listed", "6.3.9"),
    _rev1(
        "list-escapes-lost", "LIST tells a name without its quotes and backslashes", "7.2.2/listed-name-valid"
    ),
    _rev1(
        "list-utf7-lower-case",
        "LIST tells the shifted part of a name in lower case",
        "5.1.3/shifted-part-preserved",
    ),
    _rev1(
        "lsub-percent-flat",
        r"LSUB with % leaves out the \Noselect names above what is subscribed",
        "6.3.9/lsub-percent",
    ),
    _both(
        "status-stale",
        "STATUS repeats this connection's first counts for a mailbox",
        "6.3.10/counts-now",
        "6.3.11",
    ),
    _both(
        "status-unseen-off1",
        "STATUS tells one unseen message more than there is",
        "6.3.10/equals-select",
        "6.3.11",
    ),
    _both(
        "status-uidnext-behind",
        "UIDNEXT of STATUS is one lower than that of SELECT",
        "6.3.10/equals-select",
        "6.3.11",
    ),
    _rev1("status-takes-recent", r"messages lose \Recent by STATUS", "6.3.10/keeps-recent"),
    _both(
        "status-selects",
        "STATUS of another mailbox leaves that one selected",
        "6.3.10/keeps-selection",
        "6.3.11",
    ),
    _both("append-flags-lost", "APPEND ignores the flag list", "6.3.11/append-flags", "6.3.12"),
    _both("append-date-lost", "APPEND ignores the date", "6.3.11/append-date", "6.3.12"),
    _both(
        "append-seen",
        r"a message that was appended without flags is \Seen",
        "6.3.11/append-no-flags",
        "6.3.12",
    ),
    _both("append-adds-line-end", "APPEND adds a CRLF to the message", "6.3.11/append-at-the-end", "6.3.12"),
    _both(
        "append-creates",
        "APPEND to a mailbox that does not exist creates it",
        "6.3.11/append-never-creates",
        "6.3.12",
    ),
    _both(
        "append-no-trycreate",
        "APPEND to a mailbox that does not exist is refused without [TRYCREATE]",
        "6.3.11/append-trycreate",
        "6.3.12",
    ),
    _extension("appenduid-off1", "APPENDUID names the next UID, not the one assigned", "rfc4315/3/appenduid"),
    _both(
        "append-exists-late",
        "APPEND to the selected mailbox is told only when the next command is completed",
        "6.3.11/append-tells-exists",
        "6.3.12",
    ),
    _both(
        "exists-append-off1", "EXISTS sent while APPEND runs is one too high", "7.3.1/exists-counts", "7.4.1"
    ),
    _rev1(
        "noop-no-exists",
        "new mail is never reported by NOOP and CHECK",
        "7/new-messages-at-noop",
        "rfc3501/5.2/size-updates",
    ),
    _both("noop-no-flags", "NOOP does not tell the flags that others have changed", "5.2/flag-updates"),
    _rev1(
        "noop-no-expunge",
        "NOOP does not tell the messages that others have removed, nor does anything later",
        "7/expunges-at-noop",
    ),
    _both(
        "exists-shrinks",
        "NOOP tells a removed message by an EXISTS that is lower than before",
        "5.2/exists-never-reduces",
    ),
    _both(
        "expunge-during-fetch",
        "EXPUNGE is told while FETCH, STORE and SEARCH are answered",
        "7.4.1/not-during-fetch-store-search",
        "7.5.1",
    ),
    _both(
        "expunge-unadjusted",
        "EXPUNGE numbers are the original ones, ascending, not renumbered",
        "7.4.1/renumbering",
        "7.5.1",
    ),
    _both("expunge-leaves-last", r"EXPUNGE leaves the last message with \Deleted", "6.4.3/removes-deleted"),
    _extension(
        "uid-expunge-all", r"UID EXPUNGE removes every message with \Deleted", "rfc4315/2.1/uid-expunge"
    ),
    _both("peek-sets-seen", r"BODY.PEEK[...] sets \Seen", "6.4.5/peek"),
    _both("body-keeps-unseen", r"BODY[...] does not set \Seen", "6.4.5/body-sets-seen"),
    _both("seen-untold", r"FETCH of a body does not tell that it set \Seen", "6.4.5/seen-told"),
    _rev1("rfc822-header-sets-seen", r"RFC822.HEADER sets \Seen", "6.4.5/rfc822-equivalents"),
    _both("partial-one-more", "BODY[]<o.n> returns n+1 octets", "6.4.5/partial"),
    _both(
        "partial-no-origin",
        "the response to a partial fetch does not say where its octets begin",
        "6.4.5/partial",
    ),
    _both(
        "partial-beyond-nil",
        "a partial fetch that starts behind the end gets NIL",
        "6.4.5/partial-beyond-end",
    ),
    _both(
        "size-off2",
        "RFC822.SIZE is two octets less than the BODY[] literal",
        "2.3.4/size",
        "2.3.4",
        "rfc3501/2.3.4/size-of-delivered",
    ),
    _both("crlf-to-lf", "the lines of body literals end in a bare LF", "7.4.2/body-whole", "7.5.2"),
    _rev1(
        "body-last-line-end-lost", "BODY[] lacks the CRLF at the end of the message", "6.4.5/empty-section"
    ),
    _both(
        "header-no-empty-line", "BODY[HEADER] lacks the empty line behind the header", "6.4.5/header-and-text"
    ),
    _both(
        "header-fields-case",
        "HEADER.FIELDS finds fields only as their names are written in the message",
        "6.4.5/header-fields",
    ),
    _both(
        "header-fields-not-loses-one",
        "HEADER.FIELDS.NOT leaves out the first of the other fields too",
        "6.4.5/header-fields-not",
    ),
    _both(
        "part-with-boundary-crlf",
        "a part has the CRLF at its end that belongs to the boundary behind it",
        "6.4.5/parts",
    ),
    _both(
        "mime-header-no-empty-line",
        "BODY[1.MIME] lacks the empty line behind the MIME header",
        "6.4.5/mime-header",
    ),
    _both(
        "nested-header-is-mime",
        "BODY[2.HEADER] of an attached message gives the MIME header of the part",
        "6.4.5/nested-message",
    ),
    _both("macro-fast-is-all", "FETCH FAST returns what ALL does", "6.4.5/macros"),
    _both("internaldate-drift", "INTERNALDATE is another whenever it is asked for", "6.4.5/static-items"),
    _both(
        "envelope-sender-nil",
        "the sender of ENVELOPE is NIL where the message has no Sender",
        "7.4.2/envelope",
        "7.5.2",
    ),
    _both("envelope-quote-bare", "a quote in the subject of ENVELOPE is not escaped", "4.3/quoted-specials"),
    _both(
        "bodystructure-lines-off1",
        "BODYSTRUCTURE counts one line too many in a text part",
        "7.4.2/bodystructure",
        "7.5.2",
    ),
    _both(
        "uidfetch-no-uid",
        "the responses to UID FETCH have no UID unless it was asked for",
        "6.4.8/uid-in-fetch",
        "6.4.9",
    ),
    _both(
        "uid-fetch-absent-no",
        "UID FETCH of UIDs that do not exist is answered NO",
        "6.4.8/absent-uid-ignored",
        "6.4.9",
    ),
    _both(
        "uid-star-beyond-nothing",
        "a UID range that starts behind the last message and ends in `*` does not hold the last one",
        "6.4.8/uid-set",
        "6.4.9",
    ),
    _both("store-adds-by-replacing", "STORE +FLAGS replaces the flags", "6.4.6/store"),
    _both("store-silent-told", "STORE .SILENT is answered by FETCH responses", "6.4.6/silent"),
    _both("store-untold", "STORE without .SILENT is not answered by FETCH responses", "6.4.6/new-value-told"),
    _both(
        "copy-flags-lost",
        "COPY does not preserve flags: for its time the originals have none",
        "6.4.7/copy-keeps-flags",
    ),
    _both(
        "copy-date-lost", "a copy has the moment of the COPY for its internal date", "6.4.7/copy-keeps-date"
    ),
    _both("copy-twice", "COPY adds each message twice", "6.4.7/copy-to-the-end"),
    _both(
        "copy-no-trycreate",
        "COPY to a mailbox that does not exist is refused without [TRYCREATE]",
        "6.4.7/copy-trycreate",
    ),
    _both(
        "copy-failed-leaves-some",
        "a COPY that fails leaves the copies that it had made",
        "6.4.7/failed-copy-restores",
    ),
    _extension(
        "copyuid-misordered",
        "COPYUID names the originals in descending order beside the copies in ascending order",
        "rfc4315/3/copyuid",
    ),
    _extension("move-leaves-source", "MOVE leaves the messages in the source", "rfc6851/3/no-message-lost"),
    _extension("move-sets-deleted", r"a message that was moved has \Deleted", "rfc6851/3/deleted-not-set"),
    _extension("move-expunge-untold", "MOVE sends no EXPUNGE responses", "rfc6851/3/expunge-responses"),
    _extension(
        "move-no-trycreate",
        "MOVE to a mailbox that does not exist is refused without [TRYCREATE]",
        "rfc6851/3/trycreate",
    ),
    _extension(
        "move-no-copyuid", "UID MOVE does not tell the UIDs of the moved messages", "rfc6851/4.3/copyuid"
    ),
    _both(
        "search-not",
        "SEARCH ignores NOT",
        "6.4.4/not",
        "6.4.4",
        "rfc3501/6.4.4/not-in-a-set",
        "rfc9051/6.4.4/not-in-a-set",
    ),
    _both("search-or-is-and", "OR demands both of its keys", "6.4.4/or"),
    _both(
        "search-first-key-only", "of several keys beside each other only the first counts", "6.4.4/programs"
    ),
    _both("search-before-inclusive", "BEFORE finds the messages of that very day too", "6.4.4/date-keys"),
    _both("search-larger-inclusive", "LARGER finds the messages of that very size too", "6.4.4/size-keys"),
    _both("search-unkeyword-is-keyword", "UNKEYWORD finds what KEYWORD does", "6.4.4/flag-keys"),
    _rev1("search-text-body-only", "TEXT does not look into the header", "6.4.4/string-keys"),
    _both("search-star-not-last", "the last message is not in a set that ends in `*`", "6.4.4/number-keys"),
    _both(
        "search-escapes-kept",
        "the backslash that escapes a character of a quoted string is taken for part of it",
        "4.3/string-forms",
    ),
    _rev1(
        "search-trailing-sp",
        "an empty SEARCH response has a space behind its word",
        "9/empty-search-response",
    ),
    _rev1(
        "search-empty-silent", "SEARCH that finds nothing has no untagged response", "6.4.4/response-required"
    ),
    _rev1("search-charset-bad", "SEARCH in an unknown charset is BAD, not NO", "6.4.4/unknown-charset-no"),
    _rev1("search-us-ascii-refused", "CHARSET US-ASCII is not supported", "6.4.4/us-ascii"),
    _both(
        "uid-search-numbers", "UID SEARCH names the messages by their numbers", "6.4.8/uid-search", "6.4.9"
    ),
    _extension(
        "esearch-no-tag",
        "an ESEARCH response does not say which command it answers",
        "rfc4731/3.1/tag-of-the-command",
        "rfc9051/7.3.4/esearch-response",
    ),
    _extension(
        "esearch-count-off1",
        "COUNT of an ESEARCH response is one too high",
        "rfc4731/3.1/count",
        "rfc9051/6.4.4/result-options",
    ),
    _extension("sort-reverse-ignored", "SORT ignores REVERSE", "rfc5256/3/reverse"),
    _extension("sort-second-ignored", "SORT goes by its first criterion only", "rfc5256/3/sort"),
)
