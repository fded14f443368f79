"""The configuration: file and options together, and one line for every mistake."""

from pathlib import Path

import pytest

from harness.vocabulary.errors import UsageError
from harness.vocabulary.exit_codes import ExitCode
from harness.vocabulary.services import HIGH_PORTS, STANDARD_PORTS, Service
from reference_server.__main__ import main
from reference_server.codec.smtp.path import Mailbox
from reference_server.config import AccountConfig, Config, FileDelivery
from reference_server.options import configuration, parser


def config(*options: str) -> Config:
    return configuration(parser().parse_args(options))


def config_of(tmp_path: Path, text: str, *options: str) -> Config:
    file = tmp_path / "server.toml"
    file.write_text(text, encoding="utf-8")
    return config("--config", str(file), *options)


def test_defaults() -> None:
    made = config()
    assert made.bind == "127.0.0.1"
    assert made.ports == HIGH_PORTS
    assert (made.hostname, made.domains, made.accounts) == ("mail.example.test", ("example.test",), ())
    assert made.clear_logins
    assert made.relay.port == 25
    assert made.resolver is None


def test_options() -> None:
    made = config(
        "--bind=::1",
        "--ports=standard",
        "--domain=one.test",
        "--domain=two.test",
        "--account=alice@one.test:a:b",
        "--resolver=[::1]:2053",
        "--relay-port=2525",
        "--outbound-domain=remote.test",
        "--fault=smtp-dot-kept",
    )
    assert made.ports == STANDARD_PORTS
    assert made.accounts == (AccountConfig("alice@one.test", "a:b"),)
    assert (made.resolver, made.relay.port, made.outbound_domains) == (("::1", 2053), 2525, ("remote.test",))
    assert made.faults == ("smtp-dot-kept",)
    assert made.hostname == "mail.one.test"


def test_clear_logins_are_for_loopback() -> None:
    assert not config("--bind=192.0.2.1").clear_logins
    assert not config("--bind=0.0.0.0").clear_logins
    assert config("--bind=192.0.2.1", "--clear-logins=yes").clear_logins
    assert not config("--clear-logins=no").clear_logins
    assert config("--bind=::1").clear_logins


def test_domains_follow_from_accounts() -> None:
    assert config("--account=a@two.test:x", "--account=b@one.test:x").domains == ("two.test", "one.test")


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOB", "from the environment")
    made = config_of(
        tmp_path,
        """
        hostname = "mx.one.test"
        bind = "127.0.0.7"
        ports = "free"
        domains = ["one.test"]
        data = "mail"
        account = [
          { address = "alice@one.test", password = "secret" },
          { address = "bob@one.test", password_env = "BOB" },
        ]
        [service.smtp]
        port = 2600
        [service.lmtp]
        path = "lmtp.sock"
        [service.pop3]
        enabled = false
        [limits]
        max_recipients = 150
        command_timeout_s = 7
        [relay]
        port = 2525
        resolver = "127.0.0.1:2053"
        retry_pauses_s = [1, 2.5]
        give_up_after_s = 60
        outbound_domains = ["remote.test"]
        connect_timeout_s = 3
        """,
        "--bind=127.0.0.8",
        "--relay-port=2526",
    )
    assert (made.hostname, made.bind, made.data) == ("mx.one.test", "127.0.0.8", tmp_path / "mail")
    assert made.accounts[1] == AccountConfig("bob@one.test", "from the environment")
    assert made.ports[Service.SMTP] == 2600
    assert made.ports[Service.IMAP] == 0
    assert Service.POP3 not in made.ports
    assert Service.LMTP not in made.ports
    assert made.lmtp_path == tmp_path / "lmtp.sock"
    assert (made.limits.max_recipients, made.limits.command_timeout_s) == (150, 7.0)
    assert made.relay.port == 2526
    assert made.relay.schedule.pauses_s == (1.0, 2.5)
    assert (made.relay.schedule.give_up_after_s, made.relay.connect_timeout_s) == (60.0, 3.0)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("what = 1", "server.toml: what: unknown key; known are account, aliases, bind"),
        ("[service.smtpd]", "service.smtpd: unknown key; known are imap"),
        ("[service.smtp]\npath = 'x'", "service.smtp.path: unknown key"),
        ("[service.smtp]\nport = '25'", "service.smtp.port: '25' does not fit; give a whole number"),
        ("[service.smtp]\nport = true", "service.smtp.port: True does not fit"),
        ("[service.smtp]\nport = 65536", "service.smtp.port: 65536 is no port"),
        ("[service.smtp]\nport = -1", "service.smtp.port: -1 is negative"),
        ("[limits]\nmax_recipients = 1.5", "limits.max_recipients: 1.5 does not fit"),
        ("bind = 'here'", "bind: 'here' is no IP address"),
        ("ports = 'low'", "ports: 'low' is not one of high, free, standard"),
        ("domains = 'one.test'", "domains: 'one.test' does not fit; give a list"),
        ("domains = ['-']", "domains: '-' is no domain name"),
        ("domains = [1]", "domains: give a list of strings"),
        ("faults = ['nope']", "faults: no fault is named 'nope'"),
        ("log_level = 'loud'", "log_level: 'loud' is not one of"),
        ("account = 1", "account: 1 does not fit"),
        ("account = [1]", "account: give tables"),
        ("account = [{ password = 'x' }]", r"account\[1\].address: missing"),
        ("account = [{ address = 'a@b.test' }]", r"account\[1\].password: missing"),
        ("account = [{ address = 'a', password = 'x' }]", r"account\[1\].address: 'a' is no address"),
        ("account = [{ address = 'a@b.test', password_env = 'NOT_SET' }]", "the environment has no NOT_SET"),
        ("[tls]\ncertificate = 'x'", "tls.key: missing"),
        ("[tls]\ncertificate = 'x'\nkey = 'y'", "tls.certificate: .*x is no file"),
        ("[relay]\nresolver = 'ns.test:53'", "relay.resolver: 'ns.test:53' is no HOST:PORT"),
        ("[relay]\nretry_pauses_s = []", "relay.retry_pauses_s: give a list of numbers"),
        ("[relay]\nretry_pauses_s = [0]", "relay.retry_pauses_s: give a list of numbers"),
        (
            "domains = ['one.test']\naccount = [{ address = 'a@two.test', password = 'x' }]",
            "add --domain two.test",
        ),
        ("[aliases]\nsales = 'a@example.test'", 'aliases."sales": .sales. is no address'),
        ("[aliases]\n'sales@example.test' = []", "an alias stands for one address or more"),
        ("[aliases]\n'sales@example.test' = ['a']", "'a' is no address"),
        ("[aliases]\n'sales@example.test' = 1", "does not fit"),
        ("[aliases]\n'sales@two.test' = 'a@b.test'", "add --domain two.test"),
        ("[quota]\noctets = -1", "quota.octets: -1 is negative"),
        ("[quota]\nmegabytes = 1", "quota.megabytes: unknown key; known are messages, octets"),
        ("log_format = 'xml'", "log_format: 'xml' is not one of text, json"),
        (
            "account = [{ address = 'a@b.test', password = 'x', deliver = 'mh:/x' }]",
            "give maildir:PATH or mbox:PATH",
        ),
        ("=", "no TOML"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        config_of(tmp_path, text)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--alias=sales@example.test", "--alias: 'sales@example.test' names no target"),
        ("--alias=sales@example.test=a@b.test,", "--alias: '' is no address"),
        ("--alias=sales@two.test=a@b.test", "add --domain two.test"),
        ("--bind=example.test", "--bind: 'example.test' is no IP address"),
        ("--domain=a b", "--domain: 'a b' is no domain name"),
        ("--account=alice@one.test", "--account: 'alice@one.test' has no password"),
        ("--account=alice:x", "--account: 'alice' is no address"),
        ("--account-env=alice@one.test:NOT_SET", "--account-env: the environment has no NOT_SET"),
        ("--resolver=127.0.0.1", "--resolver: '127.0.0.1' is no HOST:PORT"),
        ("--resolver=127.0.0.1:0", "is no HOST:PORT"),
        ("--relay-port=0", "--relay-port: 0 is no port"),
        ("--fault=nope", "--fault: no fault is named 'nope'; mailproof serve --list-faults"),
        ("--fault=smtp-dot-kep", "did you mean 'smtp-dot-kept'"),
        ("--account-env=alice@one.test", "has no password; give ADDRESS:VARIABLE"),
        ("--relay-port=x", "--relay-port: x is no port"),
        ("--config=/nonexistent.toml", "/nonexistent.toml: No such file"),
    ],
)
def test_mistakes_in_options(option: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        config(option)


def test_a_mistake_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bind=nowhere"]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "mailproof: --bind: 'nowhere' is no IP address; give one as 127.0.0.1 or ::1\n"


def test_a_passwordless_printing_of_accounts() -> None:
    assert "secret" not in repr(config("--account=alice@one.test:secret"))


def test_aliases_quotas_and_places(tmp_path: Path) -> None:
    made = config_of(
        tmp_path,
        """
        [quota]
        octets = 1000
        [[account]]
        address = "alice@one.test"
        password = "x"
        quota_messages = 5
        deliver = "maildir:mail/alice"
        [[account]]
        address = "full@one.test"
        password = "x"
        quota_octets = 1
        [aliases]
        "sales@one.test" = "alice@one.test"
        "all@one.test" = ["alice@one.test", "x@else.test"]
        """,
        "--log-format=json",
    )
    alice, full = made.accounts
    assert alice.deliver == FileDelivery("maildir", tmp_path / "mail" / "alice")
    assert (alice.quota_octets, alice.quota_messages, alice.holds_nothing) == (None, 5, False)
    assert full.holds_nothing
    assert (made.quota_octets, made.quota_messages, made.log_format) == (1000, None, "json")
    assert made.aliases == {
        "sales@one.test": (Mailbox("alice", "one.test"),),
        "all@one.test": (Mailbox("alice", "one.test"), Mailbox("x", "else.test")),
    }


def test_an_alias_as_an_option() -> None:
    made = config("--alias=a=b@example.test=c=d@else.test,e@example.test")
    assert made.aliases == {"a=b@example.test": (Mailbox("c=d", "else.test"), Mailbox("e", "example.test"))}
