"""Every fault of SMTP and LMTP shows against a small good server, and nothing of it without the fault."""

import base64
import re

import pytest
from memory_servers import TLS, MemorySmtp, Wire

from harness.peers.faults.registry import fault_factory
from harness.transport.interpose import Spoken
from harness.vocabulary.faults import PROXY_FAULTS

EHLO = b"EHLO c.x\r\n"
MAIL = b"MAIL FROM:<S@c.x>\r\n"
RCPT = b"RCPT TO:<a@x>\r\n"
BEGIN = EHLO + MAIL + RCPT
DATA = b"DATA\r\n"
NOTE = b"Subject: n\r\n\r\nn\r\n.\r\n"
QUIT = b"QUIT\r\n"
TLS_EHLO = (EHLO, b"STARTTLS\r\n", TLS, EHLO)
LOGIN = b"AUTH PLAIN " + base64.b64encode(b"\0a\0secret") + b"\r\n"
LHLO = b"LHLO c.x\r\n"
SECOND = b"RCPT TO:<b@x>\r\n"


def text(message: bytes, *, parameters: bytes = b"") -> tuple[bytes, ...]:
    mail = MAIL.replace(b">\r", b">" + parameters + b"\r")
    return EHLO + mail + RCPT, DATA, message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


# Each row: what the client sends, and what is seen with the fault and not without it: in the replies, or in
# what the server has stored, which comes behind them as a Python literal.
SMTP: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "smtp-verb-case": ((b"noop\r\n",), rb"^500 .*"),
    "smtp-multiline-codes": ((EHLO,), rb"^251-PIPELINING"),
    "smtp-noop-arg": ((b"NOOP x\r\n",), rb"^501 "),
    "smtp-vrfy-claims": ((b"VRFY nobody\r\n",), rb"^250 .*nobody"),
    "smtp-rset-ignored": ((BEGIN, b"RSET\r\n", DATA, NOTE), rb"^354 "),
    "smtp-null-sender-rejected": ((EHLO, b"MAIL FROM:<>\r\n"), rb"^550 "),
    "smtp-rcpt-limit-50": (
        (EHLO + MAIL, b"".join(b"RCPT TO:<r%d@x>\r\n" % number for number in range(51))),
        rb"^452 ",
    ),
    "smtp-data-no-rcpt": ((EHLO + MAIL, DATA, NOTE), rb"^354 .*\r\n250 "),
    "smtp-lf-dot-lf": (
        (BEGIN, DATA, b"one\n.\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\ntwo\r\n.\r\n"),
        rb"b'one\\r\\n'\).*b'two",
    ),
    "smtp-dot-kept": (text(b".one\r\n"), rb"b'\.\.one|b'\.one"),
    "smtp-8bit-stripped": (text(b"\xe9\r\n"), rb"b'i\\r"),
    "smtp-starttls-injection": ((EHLO, b"STARTTLS\r\nVRFY x\r\n", TLS, EHLO), rb"^220 2.*\r\n252 "),
    "smtp-starttls-state-kept": ((BEGIN, b"STARTTLS\r\n", TLS, DATA, NOTE), rb"^354"),
    "smtp-vrfy-missing": ((b"VRFY a\r\n",), rb"^500"),
    "smtp-vrfy-resets": ((BEGIN, b"VRFY a\r\n", DATA), rb"^503"),
    "smtp-expn-resets": ((BEGIN, b"EXPN a\r\n", DATA), rb"^503"),
    "smtp-help-resets": ((BEGIN, b"HELP\r\n", DATA), rb"^503"),
    "smtp-noop-resets": ((BEGIN, b"NOOP\r\n", DATA), rb"^503"),
    "smtp-help-missing": ((b"HELP\r\n",), rb"^502"),
    "smtp-expn-hidden": ((b"EXPN a\r\n",), rb"^250 .*list"),
    "smtp-helo-missing": ((b"HELO c.x\r\n",), rb"^502"),
    "smtp-unknown-command-250": ((b"XYZZ\r\n",), rb"^250"),
    "smtp-unknown-command-502": ((b"XYZZ\r\n",), rb"^502"),
    "smtp-command-line-256": ((b"NOOP ".ljust(300, b"x") + b"\r\n",), rb"^500"),
    "smtp-local-part-32": ((EHLO, b"MAIL FROM:<%b@c.x>\r\n" % (b"s" * 33)), rb"^501"),
    "smtp-path-128": ((EHLO, b"MAIL FROM:<s@%b>\r\n" % (b"d" * 128)), rb"^501"),
    "smtp-trailing-space-refused": ((b"NOOP \r\n",), rb"^501"),
    "smtp-parameters-dropped": ((b"RSET now\r\n",), rb"^250"),
    "smtp-before-ehlo-503": ((b"NOOP\r\n",), rb"^503"),
    "smtp-ehlo-name-checked": ((b"EHLO [192.0.2.1]\r\n", MAIL), rb"^550"),
    "smtp-unknown-parameter-ignored": ((EHLO, b"MAIL FROM:<s@c.x> XYZZ=1\r\n"), rb"^250 2\.1\.0"),
    "smtp-body-parameter-refused": ((EHLO, b"MAIL FROM:<s@c.x> BODY=8BITMIME\r\n"), rb"^555"),
    "smtp-size-limit-not-at-mail": ((EHLO, b"MAIL FROM:<s@c.x> SIZE=1000001\r\n"), rb"^250 2\.1\.0"),
    "smtp-size-half-the-limit": ((EHLO, b"MAIL FROM:<s@c.x> SIZE=500001\r\n"), rb"^552"),
    "smtp-size-keyword-in-units": ((EHLO,), rb"^250-SIZE 10M"),
    "smtp-domain-case": ((EHLO + MAIL, b"RCPT TO:<a@X>\r\n"), rb"^550"),
    "smtp-sender-lowered": (text(b"t\r\n"), rb"b's@c\.x'"),
    "smtp-quoted-local-part-refused": ((EHLO + MAIL, b'RCPT TO:<"a"@x>\r\n'), rb"^550"),
    "smtp-source-route-refused": ((EHLO + MAIL, b"RCPT TO:<@y:a@x>\r\n"), rb"^501"),
    "smtp-postmaster-bare-refused": ((EHLO + MAIL, b"RCPT TO:<Postmaster>\r\n"), rb"^550"),
    "smtp-postmaster-of-domain-refused": ((EHLO + MAIL, b"RCPT TO:<postmaster@x>\r\n"), rb"^550"),
    "smtp-postmaster-case": ((EHLO + MAIL, b"RCPT TO:<PostMaster>\r\n"), rb"^550"),
    "smtp-enhanced-class": ((b"VRFY a\r\n",), rb"^252 5\.0\.0"),
    "smtp-enhanced-first-line-only": ((b"HELP\r\n",), rb"^214 yourself"),
    "smtp-enhanced-missing-in-refusals": ((b"XYZZ\r\n",), rb"^500 what"),
    "smtp-ehlo-without-domain": ((EHLO,), rb"ready\r\n250-PIPELINING"),
    "smtp-ehlo-keyword-form": ((EHLO,), rb"^250-AUTH=PLAIN"),
    "smtp-greeting-without-domain": ((), rb"^220 \r\n"),
    "smtp-reply-bare-lf": ((b"NOOP\r\n",), rb"^250 2\.0\.0 ok\n"),
    "smtp-two-replies": ((b"RSET\r\n",), rb"^250 .*\r\n250 "),
    "smtp-early-250": ((BEGIN, DATA), rb"^354 .*\r\n250"),
    "smtp-replies-out-of-order": ((EHLO, MAIL + RCPT), rb"^250 2\.1\.5.*\r\n250 2\.1\.0"),
    "smtp-pipeline-flushed": ((EHLO, RCPT + b"VRFY a\r\n"), rb"^503 .*first\r\n(?!252)"),
    "smtp-quit-silent": ((QUIT,), rb"ready\r\n<closed>"),
    "smtp-closes-after-error": ((b"XYZZ\r\n", b"NOOP\r\n"), rb"^500 .*\r\n<closed>"),
    "smtp-rset-forgets-hello": ((EHLO, b"RSET\r\n", MAIL), rb"^503"),
    "smtp-rset-before-mail-503": ((EHLO, b"RSET\r\n"), rb"^503"),
    "smtp-first-recipient-only": ((BEGIN, SECOND, DATA, NOTE), rb"\(b'a@x',\)"),
    "smtp-rcpt-without-mail": ((EHLO, RCPT), rb"^250 2\.1\.5"),
    "smtp-unknown-recipient-accepted": ((EHLO + MAIL, b"RCPT TO:<nobody@x>\r\n"), rb"^250 2\.1\.5"),
    "smtp-refused-mail-opens": ((EHLO, b"MAIL FROM:<!>\r\n", RCPT), rb"^250 2\.1\.5"),
    "smtp-mail-keeps-recipients": ((BEGIN, MAIL, DATA, NOTE), rb"^250 2\.1\.0 sender"),
    "smtp-recipients-leak": ((BEGIN, DATA, NOTE, MAIL + SECOND, DATA, NOTE), rb"\(b'b@x', b'a@x'\)"),
    "smtp-ehlo-keeps-transaction": ((BEGIN, EHLO, DATA), rb"^354"),
    "smtp-refused-ehlo-resets": ((BEGIN, b"EHLO\r\n", DATA), rb"^503"),
    "smtp-broken-off-delivered": ((BEGIN, DATA, b"Subject: n\r\n\r\nhalf"), rb"b'Subject: n\\r\\n\\r\\nhalf"),
    "smtp-second-message-vanishes": (
        (BEGIN, DATA, NOTE, MAIL + RCPT, DATA, NOTE),
        rb"^250 2\.6\.0 .*\r\n\r\n\[(?!.*Subject.*Subject)",
    ),
    "smtp-reverse-path-of-first": (
        (BEGIN, DATA, NOTE, b"MAIL FROM:<t@c.x>\r\n" + RCPT, DATA, NOTE),
        rb"b'S@c\.x'.*b'S@c\.x'",
    ),
    "smtp-cr-dot-cr": (
        (BEGIN, DATA, b"one\r.\rMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\ntwo\r\n.\r\n"),
        rb"b'one\\r\\n'\).*b'two",
    ),
    "smtp-nul-dropped": (
        (BEGIN, DATA, b"one\r\n\0.\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\ntwo\r\n.\r\n"),
        rb"b'one\\r\\n'\).*b'two",
    ),
    "smtp-bare-lf-mended": (text(b"one\ntwo\r\n"), rb"one\\r\\ntwo"),
    "smtp-line-990-wrapped": (text(b"x" * 998 + b"\r\n"), rb"x!\\r\\n x"),
    "smtp-trailing-space-stripped": (text(b"A: b\r\n\r\nt \t\r\n"), rb"\\nt\\r"),
    "smtp-last-line-added": (text(b"t\r\n"), rb"b't\\r\\n\\r\\n'"),
    "smtp-empty-lines-merged": (text(b"A: b\r\n\r\nt\r\n\r\n\r\nu\r\n"), rb"t\\r\\n\\r\\nu"),
    "smtp-header-unfolded": (text(b"A: b\r\n c\r\n\r\nt\r\n"), rb"A: b c"),
    "smtp-part-encoding-lost": (
        text(b"A: b\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nt\r\n"),
        rb"--b\\r\\n\\r\\nt",
    ),
    "smtp-received-dropped": (text(b"Received: x\r\n y\r\nA: b\r\n\r\nt\r\n"), rb"b'A: b"),
    "smtp-size-ends-text": (text(b"abcdefgh\r\n", parameters=b" SIZE=4"), rb"b'abcd\\r"),
    "smtp-large-text-cut": (text(b"x\r\n" * 40_000), rb"^\[(?!.{190000})"),
    "smtp-message-32k": (text(b"x\r\n" * 12_000), rb"^552"),
    "smtp-loop-at-20": (text(b"Received: x\r\n" * 21 + b"\r\n"), rb"^554"),
    "smtp-resent-refused": (text(b"Resent-To: a@x\r\n\r\n"), rb"^554"),
    "smtp-defects-refused": (text(b"Subject: x\r\n\r\n"), rb"^554"),
    "smtp-starttls-offered-again": (TLS_EHLO, rb"^220 2(.*\n)+250.STARTTLS"),
    "smtp-starttls-twice": ((*TLS_EHLO, b"STARTTLS\r\n"), rb"^220 2(.*\n)+220 2"),
    "smtp-starttls-argument": ((EHLO, b"STARTTLS x\r\n"), rb"^220 2"),
    "smtp-starttls-refused": ((EHLO, b"STARTTLS\r\n"), rb"^502"),
    "smtp-mail-needs-tls": ((EHLO, MAIL), rb"^530"),
    "smtp-auth-cancel-taken": ((EHLO, b"AUTH PLAIN\r\n", b"*\r\n"), rb"^235"),
    "smtp-auth-twice": ((EHLO, LOGIN, LOGIN), rb"^235 .*\r\n235"),
    "smtp-auth-in-transaction": ((BEGIN, LOGIN), rb"^235"),
    "smtp-auth-lax-base64": ((EHLO, b"AUTH PLAIN\r\n", b"!" + LOGIN[11:]), rb"^235"),
    "smtp-auth-challenge-in-words": ((EHLO, b"AUTH PLAIN\r\n", b"*\r\n"), rb"^334 go"),
    "smtp-auth-unknown-mechanism-535": ((EHLO, b"AUTH XYZZ\r\n"), rb"^535"),
    "smtp-auth-any-password": ((EHLO, b"AUTH PLAIN\r\n", b"AGEAYg==\r\n"), rb"^235"),
    "smtp-auth-success-250": ((EHLO, LOGIN), rb"^250 2\.7\.0"),
    "smtp-auth-mail-parameter-refused": ((EHLO, b"MAIL FROM:<s@c.x> AUTH=<>\r\n"), rb"^555"),
    "smtp-auth-not-demanded": ((EHLO, b"MAIL FROM:<locked@x>\r\n"), rb"^250 2\.1\.0"),
    "smtp-auth-demanded-by-550": ((EHLO, b"MAIL FROM:<locked@x>\r\n"), rb"^550"),
}
LMTP: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "lmtp-single-reply": ((LHLO + MAIL + RCPT + SECOND, DATA, NOTE), rb"^354 .*\r\n250 .*b@x\r\n\r\n"),
    "lmtp-replies-in-other-order": ((LHLO + MAIL + RCPT + SECOND, DATA, NOTE), rb"for b@x\r\n.*for a@x\r\n"),
    "lmtp-reply-for-refused": (
        (LHLO + MAIL + RCPT + b"RCPT TO:<nobody@x>\r\n", DATA, NOTE),
        rb"for a@x\r\n550",
    ),
    "lmtp-same-path-one-reply": ((LHLO + MAIL + RCPT + RCPT, DATA, NOTE), rb"^354 .*\r\n250 .*\r\n\r\n"),
    "lmtp-data-no-rcpt-354": ((LHLO + MAIL, DATA, NOTE), rb"^354"),
    "lmtp-ehlo-accepted": ((EHLO,), rb"^250"),
    "lmtp-pipelining-missing": ((LHLO,), rb"mail\.x\r\n250-SIZE"),
    "lmtp-enhanced-missing": ((LHLO,), rb"8BITMIME\r\n250-EXPN"),
    "lmtp-8bitmime-missing": ((LHLO,), rb"1000000\r\n250-ENH"),
    "lmtp-one-refusal-for-all": (
        (LHLO + MAIL + RCPT + b"RCPT TO:<nobody@x>\r\n", DATA, NOTE),
        rb"^550 .* recipient",
    ),
    "lmtp-quit-stays-open": ((QUIT,), rb"^221 .*\r\n(?!<closed>)"),
}
ROWS = [(name, Spoken.SMTP, *row) for name, row in SMTP.items()] + [
    (name, Spoken.LMTP, *row) for name, row in LMTP.items()
]


def outcome(spoken: Spoken, script: tuple[bytes, ...], name: str | None) -> bytes:
    interposer = fault_factory(name).open(spoken) if name is not None else None
    return Wire(MemorySmtp(lmtp=spoken is Spoken.LMTP), interposer).run(*script)


@pytest.mark.parametrize(("name", "spoken", "script", "sign"), ROWS, ids=[row[0] for row in ROWS])
def test_fault_shows(name: str, spoken: Spoken, script: tuple[bytes, ...], sign: bytes) -> None:
    good = outcome(spoken, script, None)
    bad = outcome(spoken, script, name)
    assert re.search(sign, bad, re.MULTILINE), bad[-3000:]
    assert not re.search(sign, good, re.MULTILINE), good[-3000:]


def test_every_fault_has_its_row() -> None:
    assert {name for name in PROXY_FAULTS if name.startswith(("smtp-", "lmtp-"))} == {row[0] for row in ROWS}


@pytest.mark.parametrize("name", sorted({*SMTP, *LMTP}))
def test_fault_says_in_which_protocols_it_is(name: str) -> None:
    factory = fault_factory(name)
    assert factory.open(Spoken.POP3) is None
    assert factory.open(Spoken.IMAP) is None
    assert any(factory.open(spoken) is not None for spoken in (Spoken.SMTP, Spoken.LMTP))
