"""What the lab's Dovecot and Postfix are told: files below one directory, rendered from templates.

Everything that the two servers write is below that directory too (queue, mail, logs, run-time sockets), so
that removing it removes every trace, and nothing of the machine's own configuration is read or changed.
"""

import grp
import os
import pwd
import shutil
import socket
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from string import Template

import trustme

from harness.vocabulary.errors import UsageError

DOMAIN = "example.test"
HOSTNAME = "mail.example.test"
HOST = "127.0.0.1"
PASSWORD = "secret"  # noqa: S105 - of accounts that live for one run on loopback
ACCOUNTS = ("alice", "bob", *(f"u{n:02}" for n in range(1, 33)))
"""Local parts of the accounts; all have the same password, the address or the local part is the login."""
ALIAS = ("sales", "u01")
"""An address that is another name of an account."""
MAX_MESSAGE_OCTETS = 10_485_760
MAIL_USER = "mail"
"""Owns the stored mail; one of Debian's own unprivileged users, so that none has to be made."""

_LONGEST_DIRECTORY = 65
"""A UNIX socket's path has at most 107 octets (unix(7)); the longest below the directory has about 40."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The lab's ports: the reference server's high ones with a 3 in front, so that both can run."""

    smtp: int = 3525
    submission: int = 3587
    submissions: int = 3465
    lmtp: int = 3424
    pop3: int = 3110
    pop3s: int = 3995
    imap: int = 3143
    imaps: int = 3993

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on just now, for runs beside another lab."""
        taken = [socket.create_server((HOST, 0)) for _ in fields(cls)]
        try:
            return cls(*(listener.getsockname()[1] for listener in taken))
        finally:
            for listener in taken:
                listener.close()

    def items(self) -> list[tuple[str, int]]:
        """Name and number of each port, in the order of the fields."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]

    def in_use(self) -> list[tuple[str, int]]:
        """Those on which something else listens already."""
        return [(name, port) for name, port in self.items() if _is_taken(port)]


def _is_taken(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return True
    return False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are below the lab's directory."""

    directory: Path

    @property
    def dovecot_conf(self) -> Path:
        """Dovecot's main configuration file."""
        return self.directory / "dovecot" / "dovecot.conf"

    @property
    def postfix_etc(self) -> Path:
        """Postfix's configuration directory, as for `postfix -c`."""
        return self.directory / "postfix" / "etc"

    @property
    def queue(self) -> Path:
        """Postfix's queue directory."""
        return self.directory / "postfix" / "queue"

    @property
    def ca_file(self) -> Path:
        """The certificate to trust."""
        return self.directory / "tls" / "ca.pem"

    @property
    def logs(self) -> tuple[Path, ...]:
        """The log files of both servers, which need not exist yet."""
        return self.directory / "log" / "dovecot.log", self.directory / "log" / "postfix.log"


OWN_PARTS = ("dovecot", "postfix", "tls", "log", "mail", "target.toml")
"""What the lab makes in its directory, and removes again."""


def demand_unused(directory: Path) -> None:
    """Refuse a directory that is not ours to fill, before anything is made there or removed again."""
    if len(os.fsencode(directory)) > _LONGEST_DIRECTORY:
        message = f"{directory}: too long a path for UNIX sockets below it; use one like /tmp/lab"
        raise UsageError(message)
    if occupied := [part for part in OWN_PARTS if (directory / part).exists()]:
        message = f"{directory} holds {occupied[0]!r} already; give an empty directory"
        raise UsageError(message)


def lay_down(directory: Path, ports: Ports) -> Layout:
    """Write configuration, certificates and accounts into `directory`."""
    layout = Layout(directory)
    mail = pwd.getpwnam(MAIL_USER)
    directory.mkdir(parents=True, exist_ok=True)
    # Dovecot's and Postfix's unprivileged processes must reach their parts, though they list nothing here.
    directory.chmod(0o711)
    for part in ("dovecot", "dovecot/run", "dovecot/state", "postfix", "postfix/etc", "postfix/queue", "tls"):
        (directory / part).mkdir(mode=0o755)
    (directory / "log").mkdir(mode=0o755)
    (directory / "mail").mkdir(mode=0o700)
    os.chown(directory / "mail", mail.pw_uid, mail.pw_gid)
    postfix = pwd.getpwnam("postfix")
    (directory / "postfix" / "data").mkdir(mode=0o700)
    os.chown(directory / "postfix" / "data", postfix.pw_uid, postfix.pw_gid)
    # Where Dovecot puts the socket that Postfix asks about logins; Postfix makes the rest itself.
    (layout.queue / "private").mkdir(mode=0o700)
    os.chown(layout.queue / "private", postfix.pw_uid, 0)
    _write_certificates(directory / "tls")
    _write_accounts(layout)
    values = {
        "directory": str(directory),
        "queue": str(layout.queue),
        "host": HOST,
        "hostname": HOSTNAME,
        "domain": DOMAIN,
        "mail_uid": str(mail.pw_uid),
        "mail_gid": str(mail.pw_gid),
        "message_octets": str(MAX_MESSAGE_OCTETS),
        **{f"port_{name}": str(port) for name, port in ports.items()},
    }
    for template, path in (
        ("dovecot.conf", layout.dovecot_conf),
        ("main.cf", layout.postfix_etc / "main.cf"),
        ("master.cf", layout.postfix_etc / "master.cf"),
    ):
        path.write_text(_template(template).substitute(values))
    return layout


def clear(directory: Path) -> None:
    """Remove what `lay_down` and the servers have made in `directory`."""
    for part in OWN_PARTS:
        path = directory / part
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def target_text(ports: Ports, *, directory: Path | None = None, outbound: bool = True) -> str:
    """The lab's target file, for these ports; with `directory`, as of a lab that already runs there."""
    text = (files(__package__) / "target.toml").read_text()
    for (_, usual), (_, actual) in zip(Ports().items(), ports.items(), strict=True):
        text = text.replace(f"port = {usual}\n", f"port = {actual}\n")
    if directory is not None:
        text = _without_table(text, "launch").replace("{directory}", str(directory))
    return text if outbound else _without_table(text, "outbound")


def _without_table(text: str, name: str) -> str:
    """Leave out the lines of one table, up to the next."""
    before, _, rest = text.partition(f"[{name}]\n")
    lines = rest.splitlines(keepends=True)
    following = next((index for index, line in enumerate(lines) if line.startswith("[")), len(lines))
    return before + "".join(lines[following:])


def _template(name: str) -> Template:
    return Template((files(__package__) / name).read_text())


def _write_certificates(directory: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(HOSTNAME, "localhost", HOST, "::1")
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    key = directory / "server.key"
    key.touch(mode=0o600)
    certificate.private_key_pem.write_to_path(str(key))
    for index, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(directory / "server.pem"), append=index > 0)


def _write_accounts(layout: Layout) -> None:
    users = layout.directory / "dovecot" / "users"
    users.touch(mode=0o640)
    os.chown(users, 0, grp.getgrnam("dovecot").gr_gid)
    names = (*ACCOUNTS, "postmaster")
    users.write_text("".join(f"{name}@{DOMAIN}:{PASSWORD}::::::\n" for name in names))
    mailboxes = "".join(f"{name}@{DOMAIN} {name}\n" for name in names)
    (layout.postfix_etc / "mailboxes").write_text(mailboxes)
    alias, account = ALIAS
    (layout.postfix_etc / "aliases").write_text(f"{alias}@{DOMAIN} {account}@{DOMAIN}\n")
