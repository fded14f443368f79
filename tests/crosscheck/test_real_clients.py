"""Programs that people use, on the reference server: curl, mbsync, and the standard library's imaplib.

Where a program is missing its test says so and is not run; with `CI=true` that is a failure.
"""

import imaplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from foreign import Server, program, reference_server

from harness.targets.file import Account
from harness.vocabulary.services import Service

HEADER = (
    b"From: Carol <carol@remote.test>\r\nTo: bob@example.test\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <%s@remote.test>\r\nSubject: %s\r\n\r\n"
)
BODY = b".\r\n..dots\r\n\r\n\xc3\xa4 8-bit\r\n" + b"a line of text\r\n" * 300 + b"\r\n"


def message(word: str) -> bytes:
    return HEADER % (word.encode(), word.encode()) + BODY


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with reference_server() as running:
        yield running


# curl


class Curl:
    """curl for one account, under STARTTLS, with its password on standard input."""

    def __init__(self, server: Server, account: Account) -> None:
        self._curl = program("curl", "curl")
        self._server = server
        self._config = f'user = "{account.login}:{account.password}"\n'

    def __call__(self, service: Service, path: str, *words: str, code: int = 0) -> bytes:
        scheme = "smtp" if service is Service.SUBMISSION else service.value
        url = f"{scheme}://127.0.0.1:{self._server.port(service)}/{path}"
        argv = [self._curl, "-q", "--silent", "--show-error", "--max-time", "20", "--config", "-"]
        argv += ["--ssl-reqd", "--cacert", str(self._server.ca_file), "--url", url, *words]
        done = subprocess.run(argv, input=self._config.encode(), capture_output=True, check=False, timeout=30)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout


def test_curl_sends_and_reads(server: Server, tmp_path: Path) -> None:
    account = server.account()
    curl = Curl(server, account)
    text = tmp_path / "message"
    text.write_bytes(message("curl"))
    envelope = ("--mail-from", account.address, "--mail-rcpt", account.address)
    curl(Service.SUBMISSION, "client.test", *envelope, "--upload-file", str(text))
    curl(
        Service.SUBMISSION,
        "client.test",
        *envelope,
        "--upload-file",
        str(text),
        "--login-options",
        "AUTH=LOGIN",
    )
    by_pop3 = curl(Service.POP3, "1")
    assert by_pop3.startswith(b"Return-Path: <")
    assert by_pop3.endswith(message("curl"))
    assert curl(Service.IMAP, "INBOX;MAILINDEX=1") == by_pop3
    listed = curl(Service.POP3, "").splitlines()
    assert listed[0].split() == [b"1", str(len(by_pop3)).encode()]
    assert len(listed) == 2
    assert len(curl(Service.POP3, "", "--request", "UIDL").splitlines()) == 2
    curl(Service.POP3, "1", "--request", "DELE", "--head")
    assert len(curl(Service.POP3, "").splitlines()) == 1


def test_curl_keeps_mail_in_mailboxes(server: Server, tmp_path: Path) -> None:
    curl = Curl(server, server.account())
    text = tmp_path / "message"
    text.write_bytes(message("kept"))
    curl(Service.IMAP, "", "--request", "CREATE Kept")
    curl(Service.IMAP, "Kept", "--upload-file", str(text))
    assert curl(Service.IMAP, "Kept;UID=1") == message("kept")
    assert curl(Service.IMAP, "Kept;UID=1;SECTION=TEXT") == BODY
    assert curl(Service.IMAP, "Kept?SUBJECT%20kept").split() == [b"*", b"SEARCH", b"1"]
    curl(Service.IMAP, "Kept", "--request", r"STORE 1 +FLAGS.SILENT (\Flagged)")
    assert rb"\Flagged" in curl(Service.IMAP, "Kept", "--request", "FETCH 1 FLAGS")
    listed = curl(Service.IMAP, "").splitlines()
    assert {line.split()[-1].strip(b'"') for line in listed} == {b"INBOX", b"Kept"}
    curl(Service.IMAP, "", "--request", "DELETE Kept")
    assert b"Kept" not in curl(Service.IMAP, "")


def test_curl_trusts_and_logs_in_only_where_it_may(server: Server) -> None:
    account = server.account()
    curl = Curl(server, account)
    wrong = Curl(server, Account(account.address, account.login, "wrong"))
    for service in (Service.SUBMISSION, Service.POP3, Service.IMAP):
        wrong(service, "", code=67)
        curl(service, "", "--cacert", "/dev/null", code=77)


# mbsync


class Mbsync:
    """mbsync between the account's mailboxes and a maildir tree."""

    def __init__(self, server: Server, account: Account, folder: Path) -> None:
        self._mbsync = program("mbsync", "isync")
        self.local = folder / "mail"
        self.local.mkdir()
        self._config = folder / "mbsyncrc"
        self._config.touch(mode=0o600)
        self._config.write_text(
            f"IMAPAccount here\nHost localhost\nPort {server.port(Service.IMAP)}\nUser {account.login}\n"
            f"Pass {account.password}\nSSLType STARTTLS\nCertificateFile {server.ca_file}\n\n"
            f"IMAPStore remote\nAccount here\n\n"
            f"MaildirStore local\nSubFolders Verbatim\nPath {self.local}/\nInbox {self.local}/INBOX\n\n"
            f"Channel all\nFar :remote:\nNear :local:\nPatterns *\nCreate Both\nRemove Both\nExpunge Both\n"
            f"CopyArrivalDate yes\nSyncState *\n"
        )

    def run(self) -> None:
        done = subprocess.run(
            [self._mbsync, "--config", str(self._config), "--quiet", "--all"],
            capture_output=True,
            check=False,
            timeout=30,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""

    def files(self, mailbox: str) -> list[Path]:
        found = [path for sub in ("cur", "new") for path in (self.local / mailbox / sub).iterdir()]
        return sorted(found, key=lambda path: path.read_bytes())


def test_mbsync_keeps_both_sides_equal(server: Server, tmp_path: Path) -> None:
    account = server.account()
    mbsync = Mbsync(server, account, tmp_path)
    client = server.imaplib(account)
    words = ("first", "second", "third")
    for word in words:
        client.append("INBOX", "", "", message(word))
    client.append("INBOX", r"(\Seen \Flagged)", '"01-Feb-2026 10:00:00 +0100"', message("seen"))
    client.create("Archive")
    client.create('"R&AOk-sum&AOk-s/2026"')

    mbsync.run()
    first, second, seen, third = mbsync.files("INBOX")
    assert seen.name.endswith(":2,FS")
    assert int(seen.stat().st_mtime) == 1_769_936_400
    for path, word in ((first, "first"), (second, "second"), (third, "third"), (seen, "seen")):
        stored = path.read_bytes().replace(b"\n", b"\r\n")
        head, _, rest = stored.partition(b"X-TUID: ")
        assert head + rest.partition(b"\r\n")[2] == message(word), word
    assert mbsync.files("Archive") == []

    # On this side: read one, remove one, write one, and begin a mailbox.
    first.rename(mbsync.local / "INBOX" / "cur" / f"{first.name.partition(':')[0]}:2,S")
    second.rename(mbsync.local / "INBOX" / "cur" / f"{second.name.partition(':')[0]}:2,T")
    for place in ("Archive", "Drafts"):
        for sub in ("cur", "new", "tmp"):
            (mbsync.local / place / sub).mkdir(parents=True, exist_ok=True)
        written = mbsync.local / place / "cur" / "1.1.here:2,D"
        written.write_bytes(message("draft").replace(b"\r\n", b"\n"))
    # On the other: answer one, and remove one.
    client.select("INBOX")
    client.uid("STORE", "3", "+FLAGS", r"(\Answered)")
    client.uid("STORE", "4", "+FLAGS", r"(\Deleted)")
    client.expunge()

    mbsync.run()
    first, third = mbsync.files("INBOX")
    assert (first.name[-4:], third.name.partition(":")[2]) == (":2,S", "2,R")
    client.select("INBOX")
    assert client.uid("SEARCH", "ALL") == ("OK", [b"1 3"])
    assert client.uid("SEARCH", "SEEN") == ("OK", [b"1"])
    for place in ("Archive", "Drafts"):
        assert client.select(place) == ("OK", [b"1"])
        ((start, octets), _) = ok(client.fetch("1", "(FLAGS BODY.PEEK[])"))
        assert rb"\Draft" in start
        head, _, rest = octets.partition(b"X-TUID: ")
        assert head + rest.partition(b"\r\n")[2] == message("draft")
    client.logout()
    before = {path: path.stat().st_mtime_ns for path in mbsync.local.glob("*/cur/*")}
    mbsync.run()
    assert {path: path.stat().st_mtime_ns for path in mbsync.local.glob("*/cur/*")} == before


# imaplib


def ok(answer: tuple[str, Any]) -> Any:
    """The data of an answer that must be OK."""
    assert answer[0] == "OK", answer
    return answer[1]


def test_imaplib_through_a_whole_session(server: Server) -> None:
    account = server.account()
    client = server.imaplib(account)
    assert "IMAP4REV1" in client.capabilities
    ok(client.create("Work"))
    ok(client.create('"Work/In Progress"'))
    ok(client.subscribe("Work"))
    assert len(ok(client.list())) == 3
    assert ok(client.lsub()) == [rb'() "/" Work']
    assert ok(client.namespace()) == [b'(("" "/")) NIL NIL']
    for number in range(1, 6):
        ok(client.append("Work", r"(\Seen)" if number == 1 else "", "", message(f"number {number}")))
    ok(client.status("Work", "(MESSAGES UNSEEN UIDNEXT)"))
    assert ok(client.select("Work")) == [b"5"]
    assert client.response("UIDNEXT") == ("UIDNEXT", [b"6"])
    assert ok(client.search(None, "UNSEEN", "SUBJECT", '"number 3"')) == [b"3"]
    assert ok(client.search("UTF-8", "TEXT", '"8-bit"')) == [b"1 2 3 4 5"]
    (_, whole), _ = ok(client.fetch("3", "(UID RFC822)"))
    assert whole == message("number 3")
    (_, part), _ = ok(client.fetch("2", "(BODY.PEEK[TEXT]<3.5>)"))
    assert part == BODY[3:8]
    assert ok(client.search(None, "SEEN")) == [b"1 3"]
    ok(client.store("2,4", "+FLAGS", r"(\Flagged work)"))
    assert ok(client.search(None, "KEYWORD", "work")) == [b"2 4"]
    ok(client.copy("2,4", '"Work/In Progress"'))
    ok(client.uid("MOVE", "5", "INBOX"))
    assert client.response("EXPUNGE") == ("EXPUNGE", [b"5"])
    ok(client.store("1", "+FLAGS.SILENT", r"\Deleted"))
    assert ok(client.expunge()) == [b"1"]
    assert ok(client.uid("SEARCH", "ALL")) == [b"2 3 4"]
    ok(client.noop())
    ok(client.check())
    ok(client.close())
    ok(client.rename('"Work/In Progress"', "Done"))
    assert ok(client.select("Done", readonly=True)) == [b"2"]
    assert client.store("1", "+FLAGS", r"\Answered")[0] == "NO"
    ok(client.unselect())
    assert ok(client.select()) == [b"1"]
    ok(client.unsubscribe("Work"))
    ok(client.delete("Done"))
    with pytest.raises(imaplib.IMAP4.error, match="BAD"):
        client.select('"no such mailbox')
    assert client.select("Done")[0] == "NO"
    assert client.logout()[0] == "BYE"


def test_imaplib_logs_in_by_a_challenge(server: Server) -> None:
    account = server.account()
    client = imaplib.IMAP4("127.0.0.1", server.port(Service.IMAP), timeout=20)
    with pytest.raises(imaplib.IMAP4.error):
        client.login(account.login, str(account.password))
    client.starttls(ssl_context=ssl.create_default_context(cafile=str(server.ca_file)))
    token = f"\0{account.login}\0{account.password}".encode()
    with pytest.raises(imaplib.IMAP4.error):
        client.authenticate("PLAIN", lambda challenge: token + b"x")
    assert ok(client.authenticate("PLAIN", lambda challenge: token))
    assert client.logout()[0] == "BYE"
