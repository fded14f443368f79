"""Every fault of POP3 shows against a small good server, and nothing of it without the fault."""

import base64
import re

import pytest
from memory_servers import TLS, MemoryPop3, Wire

from harness.peers.faults.registry import fault_factory
from harness.transport.interpose import Spoken
from harness.vocabulary.faults import PROXY_FAULTS

USER = b"USER a\r\n"
LOGIN = USER + b"PASS secret\r\n"
WRONG = b"USER a\r\nPASS wrong\r\n"
QUIT = b"QUIT\r\n"
PLAIN = base64.b64encode(b"\0a\0secret")
BAD_PLAIN = base64.b64encode(b"\0a\0wrong")
IN_TLS = (b"STLS\r\n", TLS)

# Each row: what the client sends, and what is seen with the fault and not without it: in the responses, or in
# the numbers of the messages that the server has kept, which come behind them.
ROWS: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "pop3-rset-ignored": ((LOGIN, b"DELE 1\r\n", b"RSET\r\n", b"STAT\r\n"), rb"^\+OK 2 "),
    "pop3-stat-counts-deleted": ((LOGIN, b"DELE 1\r\n", b"STAT\r\n"), rb"^\+OK 3 \d"),
    "pop3-top-one-more": ((LOGIN, b"TOP 2 1\r\n"), rb"^line 1\r"),
    "pop3-unstuffed": ((LOGIN, b"RETR 1\r\n"), rb"^\.\.two"),
    "pop3-dele-twice-ok": ((LOGIN, b"DELE 1\r\n", b"DELE 1\r\n"), rb"^\+OK message marked"),
    "pop3-verb-case": ((LOGIN, b"stat\r\n"), rb"^-ERR unknown"),
    "pop3-uidl-unstable": ((LOGIN, b"UIDL\r\n"), rb"^1 [0-9a-f]{32}\r"),
    "pop3-unknown-command-ok": ((LOGIN, b"XYZZ\r\n"), rb"messages\r\n\+OK"),
    "pop3-unknown-command-closes": ((b"XYZZ\r\n",), rb"ready\r\n<closed>"),
    "pop3-surplus-arguments-ignored": ((LOGIN, b"STAT now\r\n"), rb"^\+OK 3 \d"),
    "pop3-bad-number-is-one": ((LOGIN, b"RETR one\r\n"), rb"^first"),
    "pop3-stat-before-login": ((b"STAT\r\n",), rb"^\+OK 0 0"),
    "pop3-user-after-login": ((LOGIN, USER), rb"messages\r\n\+OK"),
    "pop3-status-in-lower-case": ((b"STAT\r\n",), rb"^-err not"),
    "pop3-err-without-crlf": ((b"STAT\r\n",), rb"^-ERR not here\n"),
    "pop3-empty-list-ends-twice": (
        (LOGIN, b"DELE 1\r\nDELE 2\r\nDELE 3\r\n", b"LIST\r\n"),
        rb"^\.\r\n\.\r\n",
    ),
    "pop3-greeting-of-two-lines": ((), rb"ready\r\n\+OK have"),
    "pop3-quit-before-login-silent": ((QUIT,), rb"ready\r\n<closed>"),
    "pop3-quit-stays-open": ((LOGIN, b"DELE 1\r\n", QUIT), rb"(?<!bye)\r\n\r\n\[1, 2, 3\]"),
    "pop3-noop-refused": ((LOGIN, b"NOOP\r\n"), rb"^-ERR not implemented"),
    "pop3-one-command-per-packet": ((LOGIN,), rb"^-ERR one at"),
    "pop3-commands-of-80-octets": ((b"USER " + b"u" * 80 + b"\r\n",), rb"^\+OK\r\n-ERR"),
    "pop3-top-unavailable": ((LOGIN, b"TOP 1 0\r\n"), rb"^-ERR not implemented"),
    "pop3-uidl-unavailable": ((LOGIN, b"UIDL\r\n"), rb"^-ERR not implemented"),
    "pop3-user-unavailable": ((USER,), rb"^-ERR not implemented"),
    "pop3-top-hidden": ((b"CAPA\r\n",), rb"^\+OK\r\nUIDL"),
    "pop3-capa-tabs": ((b"CAPA\r\n",), rb"^SASL\tPLAIN"),
    "pop3-capa-less-before-login": ((b"CAPA\r\n",), rb"CODE\r\nSASL"),
    "pop3-capa-less-after-login": ((LOGIN, b"CAPA\r\n"), rb"UIDL\r\nPIPE"),
    "pop3-sasl-gone-after-login": ((LOGIN, b"CAPA\r\n"), rb"PIPELINING\r\n\.\r"),
    "pop3-expire-in-words": ((b"CAPA\r\n",), rb"^EXPIRE SOMETIME"),
    "pop3-stls-announced-after-login": ((LOGIN, b"CAPA\r\n"), rb"^STLS"),
    "pop3-capa-after-login-refused": ((LOGIN, b"CAPA\r\n"), rb"^-ERR"),
    "pop3-capa-unmarks": ((LOGIN, b"DELE 1\r\n", b"CAPA\r\n", b"STAT\r\n"), rb"^\+OK 3 \d"),
    "pop3-response-code-open": ((b"STAT\r\n",), rb"^-ERR \[not"),
    "pop3-stat-in-words": ((LOGIN, b"STAT\r\n"), rb"^\+OK 3 messages \d+ octets"),
    "pop3-stat-octets-short": ((LOGIN, b"STAT\r\n", b"LIST\r\n"), rb"^\+OK 3 166\r\n"),
    "pop3-list-size-off": ((LOGIN, b"LIST 3\r\n"), rb"^\+OK 3 27\r"),
    "pop3-list-with-deleted": ((LOGIN, b"DELE 1\r\n", b"LIST\r\n"), rb"^\+OK\r\n1 "),
    "pop3-uidl-with-deleted": ((LOGIN, b"DELE 1\r\n", b"UIDL\r\n"), rb"^1 uid"),
    "pop3-list-one-in-lines": ((LOGIN, b"LIST 1\r\n"), rb"messages\r\n\+OK\r\n1 42\r\n\.\r"),
    "pop3-deleted-listed-by-number": ((LOGIN, b"DELE 1\r\n", b"LIST 1\r\n"), rb"^\+OK 1 120"),
    "pop3-no-such-message-ok": ((LOGIN, b"LIST 9\r\n"), rb"^\+OK 9 0"),
    "pop3-top-no-such-message-ok": ((LOGIN, b"TOP 9 0\r\n"), rb"messages\r\n\+OK\r\n\.\r"),
    "pop3-uidl-no-such-message-ok": ((LOGIN, b"UIDL 9\r\n"), rb"^\+OK 9 "),
    "pop3-renumbered": ((LOGIN, b"DELE 1\r\n", b"LIST\r\n", b"UIDL 1\r\n"), rb"^1 (.*\n)+\+OK 1 uid1002"),
    "pop3-numbers-from-zero": ((LOGIN, b"LIST\r\n", b"UIDL 0\r\n"), rb"^0 (.*\n)+\+OK 0 uid1001"),
    "pop3-top-unstuffed": ((LOGIN, b"TOP 1 5\r\n"), rb"^\.\.two"),
    "pop3-dots-doubled-twice": ((LOGIN, b"RETR 1\r\n"), rb"^\.{4}two"),
    "pop3-top-beyond-end-refused": ((LOGIN, b"TOP 3 5\r\n"), rb"^-ERR"),
    "pop3-retr-last-line-lost": ((LOGIN, b"RETR 3\r\n"), rb"three\r\n\r\n\.\r"),
    "pop3-retr-status-added": ((LOGIN, b"RETR 3\r\n"), rb"^Status: RO"),
    "pop3-retr-once": ((LOGIN, b"RETR 3\r\n", b"RETR 3\r\n"), rb"^-ERR"),
    "pop3-retr-deletes": ((LOGIN, b"RETR 3\r\n", QUIT), rb"^\[1, 2\]"),
    "pop3-dele-without-quit": ((LOGIN, b"DELE 3\r\n"), rb"^\[1, 2\]"),
    "pop3-quit-removes-nothing": ((LOGIN, b"DELE 3\r\n", QUIT), rb"^\[1, 2, 3\]"),
    "pop3-uidl-is-the-number": ((LOGIN, b"UIDL\r\n"), rb"^2 id2\r"),
    "pop3-uidl-duplicates": ((LOGIN, b"UIDL\r\n"), rb"^2 uid1001"),
    "pop3-uidl-too-long": ((LOGIN, b"UIDL 2\r\n"), rb"^\+OK 2 uid1002\.{64}\r"),
    "pop3-uidl-by-count": ((LOGIN, b"UIDL 2\r\n"), rb"^\+OK 2 uid1002\.3\r"),
    "pop3-uidl-one-differs": ((LOGIN, b"UIDL 2\r\n"), rb"^\+OK 2 uid1002x\r"),
    "pop3-any-password": ((WRONG,), rb"^\+OK\r\n\+OK"),
    "pop3-pass-later": ((USER, b"CAPA\r\n", b"PASS secret\r\n"), rb"messages"),
    "pop3-refused-login-sticks": ((WRONG, LOGIN), rb"^-ERR \[AUTH\] authentication"),
    "pop3-auth-code-missing": ((WRONG,), rb"^-ERR no"),
    "pop3-auth-code-always": ((b"STAT\r\n",), rb"^-ERR \[AUTH\]"),
    "pop3-in-use-for-wrong-password": ((WRONG,), rb"^-ERR \[IN-USE\]"),
    "pop3-auth-cancel-ok": ((b"AUTH PLAIN\r\n", b"*\r\n"), rb"^\+ \r\n\+OK"),
    "pop3-auth-lax-base64": ((b"AUTH PLAIN\r\n", b"!" + PLAIN + b"\r\n"), rb"^\+OK in"),
    "pop3-auth-challenge-in-words": ((b"AUTH PLAIN\r\n", b"*\r\n"), rb"^\+ go"),
    "pop3-auth-initial-response-ignored": ((b"AUTH PLAIN " + PLAIN + b"\r\n",), rb"^\+ \r"),
    "pop3-auth-empty-response-missing": ((b"AUTH PLAIN =\r\n",), rb"^\+ \r"),
    "pop3-auth-again": ((LOGIN, b"AUTH PLAIN " + PLAIN + b"\r\n"), rb"messages\r\n\+OK"),
    "pop3-auth-mechanism-case": ((b"AUTH plain " + PLAIN + b"\r\n",), rb"^-ERR unknown"),
    "pop3-auth-unknown-mechanism-taken": ((b"AUTH XYZZ " + PLAIN + b"\r\n",), rb"^\+OK in"),
    "pop3-auth-failure-sticks": (
        (b"AUTH PLAIN " + BAD_PLAIN + b"\r\n", USER),
        rb"^-ERR \[AUTH\] authentication",
    ),
    "pop3-auth-wrong-credentials-ok": ((b"AUTH PLAIN\r\n", BAD_PLAIN + b"\r\n"), rb"^\+ \r\n\+OK"),
    "pop3-stls-injection": ((b"STLS\r\nCAPA\r\n", TLS, USER), rb"^\+OK go\r\n\+OK\r\nTOP"),
    "pop3-stls-after-login": ((LOGIN, b"STLS\r\n"), rb"^\+OK begin"),
    "pop3-stls-refused": ((b"STLS\r\n",), rb"^-ERR not now"),
    "pop3-capa-missing": ((b"CAPA\r\n",), rb"^-ERR unknown"),
    "pop3-stls-logs-in": ((*IN_TLS, b"STAT\r\n"), rb"^\+OK 0 0"),
}


def outcome(script: tuple[bytes, ...], name: str | None) -> bytes:
    interposer = fault_factory(name).open(Spoken.POP3) if name is not None else None
    return Wire(MemoryPop3(), interposer).run(*script)


@pytest.mark.parametrize("name", ROWS)
def test_fault_shows(name: str) -> None:
    script, sign = ROWS[name]
    good = outcome(script, None)
    bad = outcome(script, name)
    assert re.search(sign, bad, re.MULTILINE), bad
    assert not re.search(sign, good, re.MULTILINE), good


def test_every_fault_has_its_row() -> None:
    assert {name for name in PROXY_FAULTS if name.startswith("pop3-")} == set(ROWS)


def test_unique_ids_change_from_session_to_session() -> None:
    factory = fault_factory("pop3-uidl-unstable")
    first, second, third = (
        Wire(MemoryPop3(), factory.open(Spoken.POP3)).run(LOGIN, *script, QUIT)
        for script in ((b"UIDL\r\n",), (b"UIDL\r\n",), (b"UIDL\r\n", b"UIDL 1\r\n"))
    )
    assert first != second
    listed = re.search(rb"^1 (\S+)", third, re.MULTILINE)
    assert listed is not None
    assert b"\r\n+OK 1 " + listed.group(1) in third
