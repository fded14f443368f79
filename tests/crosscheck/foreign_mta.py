"""Debian's Postfix and Exim as hops between two of ours: each an instance of its own below one directory.

Both take mail for everybody from loopback and send it on by the recipient's domain: to the MX port, to the
submission port under STARTTLS, to the submission port under TLS from the first octet. They verify our
certificate, and log in where it is submission.

Exim conflicts with Postfix as a package; its program runs from where it was unpacked (`apt-get download`,
`dpkg-deb -x`) with an /etc of its own in a mount namespace: it wants its user and its configuration there.
"""

import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from foreign import WAIT_S, program, without, write

EXIM = "MAILPROOF_EXIM"
"""The environment variable that names an unpacked exim4."""
EXIM_USER = "Debian-exim"
MX, STARTTLS, IMPLICIT = "mx.test", "starttls.test", "implicit.test"
"""A domain for each way on."""


@dataclass(frozen=True, slots=True)
class Onward:
    """Where mail goes on to: a server of ours, and the account that the hop logs in with there."""

    host: str
    name: str
    """As its certificate has it."""
    mx_port: int
    submission_port: int
    submissions_port: int
    ca_file: Path
    login: str
    password: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hop listens and keeps its things."""

    directory: Path
    host: str
    port: int
    name: str = "hop.test"

    @property
    def ca_file(self) -> Path:
        """The next server's CA, where an unprivileged process can read it."""
        return self.directory / "ca.pem"

    @property
    def certificate(self) -> Path:
        return self.directory / "hop.pem"

    def log(self) -> str:
        """Return what it said, for whoever has to find out why."""
        logs = [
            path
            for path in self.directory.iterdir()
            if path.is_file() and path.suffix not in (".pem", ".key")
        ]
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in logs)

    @property
    def key(self) -> Path:
        return self.directory / "hop.key"


Mta = Callable[[Place, Onward], list[str]]
"""Lays an instance down and returns how to start it in the foreground."""


@contextmanager
def running(mta: Mta, host: str, port: int, onward: Onward) -> Iterator[Place]:
    """Run an instance for the time of the context; its unprivileged processes must reach its directory."""
    if os.geteuid() != 0:
        without("Postfix and Exim give up privileges that only root has")
    with tempfile.TemporaryDirectory(prefix="hop-") as folder:
        place = Place(Path(folder), host, port)
        place.directory.chmod(0o755)
        trusted = trustme.CA().issue_cert(place.name, host)
        trusted.private_key_pem.write_to_path(str(place.key))
        trusted.cert_chain_pems[0].write_to_path(str(place.certificate))
        shutil.copy(onward.ca_file, place.ca_file)
        place.ca_file.chmod(0o644)
        log = place.directory / "output"
        with log.open("wb") as output:
            process = subprocess.Popen(
                mta(place, onward),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                _await_port(place, process, log)
                yield place
            except AssertionError as error:
                error.add_note(place.log())
                raise
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(WAIT_S)
                finally:
                    process.kill()


def _await_port(place: Place, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection((place.host, place.port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
        else:
            return


# Postfix


def postfix(place: Place, onward: Onward) -> list[str]:
    """Lay Postfix down; SCRAM-SHA-256 under STARTTLS, PLAIN under TLS."""
    postfix_program = program("postfix", "postfix libsasl2-modules")
    master = Path(postfix_program).parents[1] / "lib" / "postfix" / "sbin" / "master"
    etc, queue, data = (place.directory / name for name in ("etc", "queue", "data"))
    for made in (etc, queue):
        made.mkdir(mode=0o755)
    data.mkdir(mode=0o700)
    os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
    (etc / "main.cf").write_text(
        f"compatibility_level = 3.6\nconfig_directory = {etc}\nqueue_directory = {queue}\n"
        f"data_directory = {data}\nmaillog_file = {place.directory}/log\n"
        f"maillog_file_prefixes = {place.directory}\nmulti_instance_name = hop\n"
        f"myhostname = {place.name}\nmydestination =\nmynetworks = 127.0.0.0/8\n"
        f"inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
        f"smtpd_peername_lookup = no\nalias_maps =\nalias_database =\nlocal_recipient_maps =\n"
        f"smtpd_relay_restrictions = permit_mynetworks, reject\nsmtpd_tls_security_level = may\n"
        f"smtpd_tls_cert_file = {place.certificate}\nsmtpd_tls_key_file = {place.key}\n"
        f"smtp_tls_CAfile = {place.ca_file}\nsmtp_tls_security_level = verify\n"
        f"smtp_tls_verify_cert_match = {onward.name}\n"
        f"smtp_sasl_password_maps = texthash:{etc}/passwords\nsmtp_sasl_security_options = noanonymous\n"
        f"transport_maps = texthash:{etc}/transport\nlocal_header_rewrite_clients =\n"
    )  # fmt: skip
    login = "smtp_sasl_auth_enable=yes"
    services: tuple[tuple[str, int, tuple[str, ...]], ...] = (
        (MX, onward.mx_port, ()),
        (STARTTLS, onward.submission_port, (login, "smtp_sasl_mechanism_filter=scram-sha-256")),
        (
            *(IMPLICIT, onward.submissions_port),
            (login, "smtp_sasl_mechanism_filter=plain", "smtp_tls_wrappermode=yes"),
        ),
    )
    (etc / "transport").write_text(
        "".join(f"{domain} {domain}:[{onward.host}]:{port}\n" for domain, port, _ in services)
    )
    passwords = "".join(
        f"[{onward.host}]:{port} {onward.login}:{onward.password}\n"
        for _, port, options in services
        if options
    )
    write(etc / "passwords", passwords)
    (etc / "master.cf").write_text(
        f"{place.host}:{place.port} inet n - n - - smtpd\n"
        "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\ntlsmgr unix - - n 1000? 1 tlsmgr\n"
        "rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n"
        "trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nproxymap unix - - n - - proxymap\n"
        "smtp unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\n"
        "anvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n"
        + "".join(
            f"{domain} unix - - n - - smtp{''.join(f' -o {option}' for option in options)}\n"
            for domain, _, options in services
        )
    )
    checked = subprocess.run(
        [postfix_program, "-c", str(etc), "check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr or place.log()
    return [str(master), "-d", "-c", str(etc)]


# Exim

EXIM_CONFIGURATION = """
exim_path = {exim}
primary_hostname = {place.name}
spool_directory = {place.directory}/spool
log_file_path = {place.directory}/%slog
pid_file_path = {place.directory}/pid
exim_user = {user}
exim_group = {user}
local_interfaces = {place.host}
daemon_smtp_ports = {place.port}
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
tls_advertise_hosts = *
tls_certificate = {place.certificate}
tls_privatekey = {place.key}
rfc1413_query_timeout = 0s
host_lookup =
never_users =
keep_environment =
add_environment =

begin acl
acl_rcpt:
  accept hosts = 127.0.0.0/8
acl_data:
  accept

begin routers
mx:
  driver = manualroute
  domains = mx.test
  route_list = * {onward.host}
  self = send
  transport = mx
starttls:
  driver = manualroute
  domains = starttls.test
  route_list = * {onward.host}
  self = send
  transport = starttls
implicit:
  driver = manualroute
  domains = implicit.test
  route_list = * {onward.host}
  self = send
  transport = implicit

begin transports
mx:
  driver = smtp
  port = {onward.mx_port}
  allow_localhost
  hosts_require_tls = *
  tls_verify_certificates = {place.ca_file}
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
starttls:
  driver = smtp
  port = {onward.submission_port}
  allow_localhost
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = {place.ca_file}
  tls_verify_hosts = *
  tls_verify_cert_hostnames =
implicit:
  driver = smtp
  protocol = smtps
  port = {onward.submissions_port}
  allow_localhost
  hosts_require_auth = *
  tls_verify_certificates = {place.ca_file}
  tls_verify_hosts = *
  tls_verify_cert_hostnames =

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_condition = ${{if eq{{$transport_name}}{{starttls}}}}
  client_send = ^{onward.login}^{onward.password}
login:
  driver = plaintext
  public_name = LOGIN
  client_condition = ${{if eq{{$transport_name}}{{implicit}}}}
  client_send = : {onward.login} : {onward.password}
"""
FROM_ETC = ("nsswitch.conf", "hosts", "services", "protocols", "ld.so.cache", "localtime", "resolv.conf")


def exim(place: Place, onward: Onward) -> list[str]:
    """Lay Exim down; PLAIN under STARTTLS, LOGIN under TLS."""
    found = os.environ.get(EXIM) or shutil.which("exim4", path="/usr/sbin")
    if found is None:
        without(
            f"there is no exim4: apt-get download exim4-daemon-light, unpack it with dpkg-deb -x, and set "
            f"{EXIM} to its usr/sbin/exim4"
        )
    for tool in ("unshare", "mount"):
        program(tool, "util-linux mount")
    etc, spool = place.directory / "etc", place.directory / "spool"
    (etc / "exim4").mkdir(parents=True)
    spool.mkdir()
    for name in FROM_ETC:
        if (Path("/etc") / name).exists():
            shutil.copy(Path("/etc") / name, etc / name)
    number = 60_025
    for name, entry in (
        ("passwd", f"x:{number}:{number}::/nonexistent:/bin/false"),
        ("group", f"x:{number}:"),
    ):
        (etc / name).write_text(f"{(Path('/etc') / name).read_text()}{EXIM_USER}:{entry}\n")
    os.chown(spool, number, number)
    # Its logs are written by its own user.
    os.chown(place.directory, number, number)
    os.chown(place.key, number, number)
    write(
        etc / "exim4" / "exim4.conf",
        EXIM_CONFIGURATION.format(exim=found, place=place, onward=onward, user=EXIM_USER),
    )
    start = f"mount --bind {shlex.quote(str(etc))} /etc && exec {shlex.quote(found)} -bdf -q1m"
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", start]
