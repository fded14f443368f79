"""Delivery into Maildir and mbox, read back by what reads such files."""

import fcntl
import mailbox
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reference_server.codec.smtp.path import Mailbox
from reference_server.mda import files
from reference_server.mda.files import DeliveryFailed, Maildir, Mbox

WHEN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
SENDER = Mailbox("carol", "else.test")
MESSAGE = b"Return-Path: <carol@else.test>\r\nSubject: x\r\n\r\nFrom here\r\n>From there\r\n\xff\r\n"


def test_a_maildir_gets_a_file_in_new(tmp_path: Path) -> None:
    spool = Maildir(tmp_path / "deep" / "box")
    for _ in range(2):
        spool.deliver(MESSAGE, reverse_path=SENDER, when=WHEN)
    new = list((tmp_path / "deep" / "box" / "new").iterdir())
    assert [file.read_bytes() for file in new] == [MESSAGE.replace(b"\r\n", b"\n")] * 2
    assert list((tmp_path / "deep" / "box" / "tmp").iterdir()) == []


def test_an_mbox_is_stuffed_and_read_back(tmp_path: Path) -> None:
    spool = Mbox(tmp_path / "box")
    spool.deliver(MESSAGE, reverse_path=SENDER, when=WHEN)
    spool.deliver(b"Subject: y\r\n\r\nno end", reverse_path=None, when=WHEN)
    octets = (tmp_path / "box").read_bytes()
    assert octets.startswith(b"From carol@else.test Thu Jan  1 12:00:00 2026\nReturn-Path: ")
    assert (
        b"\n\n>From here\n>From there\n\xff\n\nFrom MAILER-DAEMON Thu Jan  1 12:00:00 2026\nSubject: y"
        in octets
    )
    assert octets.endswith(b"no end\n\n")
    with_reader = mailbox.mbox(tmp_path / "box")
    assert len(with_reader) == 2
    with_reader.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box"]
    assert (tmp_path / "box").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("lock", ["dot", "fcntl"])
def test_an_mbox_waits_for_its_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str) -> None:
    path = tmp_path / "box"
    path.touch()
    release: Callable[[], object]
    if lock == "dot":
        dot = tmp_path / "box.lock"
        dot.touch()
        release = dot.unlink
    else:
        # Another process, since fcntl's locks are a process's own.
        ready, go = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            with path.open("rb+") as held:
                fcntl.lockf(held, fcntl.LOCK_EX)
                os.write(ready[1], b"x")
                os.read(go[0], 1)
            os._exit(0)
        os.read(ready[0], 1)

        def release() -> None:
            os.write(go[1], b"x")
            os.waitpid(child, 0)
            for descriptor in (*ready, *go):
                os.close(descriptor)

    waits = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            release()

    monkeypatch.setattr(files.time, "sleep", pause)
    Mbox(path).deliver(MESSAGE, reverse_path=SENDER, when=WHEN)
    assert len(waits) == 3
    assert path.read_bytes().count(b"\nFrom ") == 0
    assert path.read_bytes().startswith(b"From carol@else.test ")


def test_a_lock_that_stays_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "box.lock").touch()
    monkeypatch.setattr(files, "_LOCK_WITHIN_S", 0.0)
    with pytest.raises(DeliveryFailed, match="lock"):
        Mbox(tmp_path / "box").deliver(MESSAGE, reverse_path=SENDER, when=WHEN)
    assert (tmp_path / "box").read_bytes() == b""


@pytest.mark.parametrize("kind", [Maildir, Mbox])
def test_what_cannot_be_written_is_a_failure(tmp_path: Path, kind: type[Maildir | Mbox]) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeliveryFailed):
        kind(tmp_path / "file" / "box").deliver(MESSAGE, reverse_path=SENDER, when=WHEN)


@pytest.mark.parametrize("kind", [Maildir, Mbox])
def test_it_is_synced_before_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Maildir | Mbox]
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    kind(tmp_path / "box").deliver(MESSAGE, reverse_path=SENDER, when=WHEN)
    if kind is Maildir:
        assert Path(synced[0]).parent.name == "tmp"
        assert str(tmp_path / "box" / "new") in synced[1:]
    else:
        assert synced[0] == str(tmp_path / "box")
    assert str(tmp_path) in synced
