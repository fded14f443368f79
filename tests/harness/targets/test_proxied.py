"""The target file of a server behind a proxy."""

import tomllib
from pathlib import Path

from harness.targets.file import Endpoint, Trust
from harness.targets.loader import load_target
from harness.targets.proxied import write_proxied_target
from harness.vocabulary.services import Service, Tls

ORIGINAL = """\
schema = 1
name = "mine"
[service.smtp]
host = "127.0.0.1"
port = 2525
[service.lmtp]
path = "/run/lmtp.sock"
[service.mda]
argv = ["./deliver", "{user}"]
store = "maildir:{directory}/{user}"
[trust]
server_name = "mail.example.test"
[accounts]
domain = "example.test"
create = ["./adduser", "{address}", "{password}"]
pool = [{ address = "a@example.test", login = "a", password_env = "HOME" }]
[limits]
reply_timeout_s = 3.0
[launch]
argv = ["./start", "{directory}"]
[control]
kill = ["./kill"]
start = ["./start"]
[[waiver]]
requirement = "rfc5321/4.5.2/remove-one-dot"
reason = "ticket 1"
"""


def test_all_but_the_addresses_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("start", "kill"):
        (home / name).write_text("#!/bin/sh\n")
        (home / name).chmod(0o755)
    (home / "target.toml").write_text(ORIGINAL)
    original = load_target(home / "target.toml", directory=tmp_path / "run")
    endpoints = [
        Endpoint(Service.SMTP, Tls.STARTTLS, "127.0.0.1", 3525),
        Endpoint(Service.SMTP, Tls.STARTTLS, "::1", 3525),
        Endpoint(Service.LMTP, Tls.NONE, path=tmp_path / "lmtp"),
    ]
    path = tmp_path / "proxied.toml"
    write_proxied_target(path, original, endpoints, original.trust, name="mine, proxied")
    proxied = load_target(path)
    assert proxied.endpoints == (endpoints[0], endpoints[2])
    assert proxied.name == "mine, proxied"
    assert (proxied.launch, proxied.control) == (None, None)
    assert proxied.trust == Trust(None, "mail.example.test")
    assert proxied.accounts == original.accounts
    assert proxied.agent == original.agent
    assert proxied.agent is not None
    assert proxied.agent.store == f"maildir:{tmp_path}/run/{{user}}"
    assert (proxied.limits, proxied.permits, proxied.waivers) == (
        original.limits,
        original.permits,
        original.waivers,
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(path.read_text())["accounts"]["pool"][0]["password_env"] == "HOME"
