"""The target file: what is read, and that every mistake is one line with file, key and mend."""

import os
import tomllib
from datetime import date
from pathlib import Path

import pytest
import tomli_w
import trustme
from hypothesis import given
from hypothesis import strategies as st

from harness.targets.file import Account, Permit, Waiver
from harness.targets.loader import is_loopback, load_target
from harness.vocabulary.errors import TargetFileError
from harness.vocabulary.services import Service, Tls

MINIMAL = """
schema = 1
[service.smtp]
host = "127.0.0.1"
port = 2525
[accounts]
domain = "example.test"
pool = [{ address = "alice@example.test", password = "secret-a" }]
"""

WHOLE = """
schema = 1
name = "postfix-dovecot"
permits = ["conformance", "hostile-input", "load"]

[service.smtp]
host = "127.0.0.1"
port = 2525
tls = "starttls"
[service.submission]
host = "127.0.0.1"
port = 2587
tls = "starttls"
[service.submissions]
host = "127.0.0.1"
port = 2465
tls = "implicit"
[service.lmtp]
path = "lmtp.sock"
[service.pop3]
host = "::1"
port = 2110
[service.pop3s]
host = "127.0.0.1"
port = 2995
[service.imap]
host = "127.0.0.1"
port = 2143
tls = "none"
[service.imaps]
host = "127.0.0.1"
port = 2993
tls = "implicit"
[service.mda]
argv = ["procmail", "-f", "{sender}", "-d", "{user}"]
store = "maildir:{home}/Maildir"

[trust]
ca_file = "ca.pem"
server_name = "mail.example.test"

[accounts]
domain = "example.test"
pool = [
  { address = "alice@example.test", login = "alice", password = "secret-a" },
  { address = "bob@example.test", login = "bob", password_env = "BOB_PASSWORD" },
  { address = "carol@example.test", token_env = "CAROL_TOKEN" },
]
pattern = { address = "u{n:03}@example.test", login = "u{n:03}", password = "secret{n}{x}", count = 50 }
create = ["./adduser", "{address}", "{password}"]
unknown = "nobody@example.test"
alias = "sales@example.test"
over_quota = "full@example.test"
pop3 = ["bob@example.test", "u050@example.test"]

[limits]
reply_timeout_s = 5
max_message_octets = 10_485_760
max_connections = 8
commands_per_s = 50.5
failed_logins = 0

[storage]
maildir = "/var/mail/{user}/Maildir"
[launch]
argv = ["./start-server", "{directory}"]
ready_within_s = 12.5
[control]
kill = ["./start-server", "-9"]
start = ["sh", "start"]
[outbound]
dns = "127.0.0.153:53"
domains = ["remote.test"]
sink_port = 25

[[waiver]]
requirement = "rfc5321/4.5.3.1.6/text-line-1000"
reason = "vendor ticket 4711"
until = 2027-03-31
[[waiver]]
requirement = "rfc1939/5/rset"
reason = "old"
until = 2026-01-31
[[waiver]]
requirement = "rfc1939/5/dele"
reason = "for ever"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "target.toml"
    file.write_text(text)
    return file


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOB_PASSWORD", "secret-b")
    monkeypatch.setenv("CAROL_TOKEN", "token-c")
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "start-server").touch(mode=0o755)
    return write(tmp_path, WHOLE)


def test_everything_in_the_format_is_read(whole: Path, tmp_path: Path) -> None:
    target = load_target(whole, today=date(2026, 6, 1))
    assert target.name == "postfix-dovecot"
    assert target.permits == frozenset(Permit)
    assert [endpoint.service for endpoint in target.endpoints] == list(Service)
    pop3 = target.endpoint(Service.POP3)
    assert pop3 is not None
    assert (pop3.host, pop3.port, pop3.tls, str(pop3)) == ("::1", 2110, Tls.STARTTLS, "[::1]:2110")
    lmtp = target.endpoint(Service.LMTP)
    assert lmtp is not None
    assert (lmtp.path, lmtp.tls) == (tmp_path / "lmtp.sock", Tls.NONE)
    assert target.agent is not None
    assert target.agent.store == "maildir:{home}/Maildir"
    assert (target.trust.ca_file, target.trust.server_name) == (tmp_path / "ca.pem", "mail.example.test")
    accounts = target.accounts
    assert accounts.pool[:3] == (
        Account("alice@example.test", "alice", "secret-a"),
        Account("bob@example.test", "bob", "secret-b"),
        Account("carol@example.test", "carol@example.test", None, "token-c"),
    )
    assert accounts.pool[3] == Account("u001@example.test", "u001", "secret1{x}")
    assert accounts.pool[-1].address == "u050@example.test"
    assert [account.address for account in accounts.pop3] == ["bob@example.test", "u050@example.test"]
    assert accounts.create == ("./adduser", "{address}", "{password}")
    assert (accounts.unknown, accounts.alias, accounts.over_quota) == (
        "nobody@example.test",
        "sales@example.test",
        "full@example.test",
    )
    limits = target.limits
    assert (limits.reply_timeout_s, limits.max_connections, limits.commands_per_s) == (5.0, 8, 50.5)
    assert limits.failed_logins == 0
    assert target.storage_maildir == "/var/mail/{user}/Maildir"
    assert target.launch is not None
    assert target.launch.argv == (str(tmp_path / "start-server"), "{directory}")
    assert target.needs_launch
    assert target.control is not None
    assert target.control.start == ("sh", "start")
    assert target.outbound is not None
    assert (target.outbound.dns_host, target.outbound.dns_port, target.outbound.sink_port) == (
        "127.0.0.153",
        53,
        25,
    )
    assert [waiver.requirement for waiver in target.expired_waivers] == ["rfc1939/5/rset"]
    assert Waiver("rfc1939/5/dele", "for ever") in target.waivers
    assert len(target.waivers) == 2


def test_what_is_left_out_has_its_usual_value(tmp_path: Path) -> None:
    target = load_target(write(tmp_path, MINIMAL))
    assert target.name == "target"
    assert target.permits == frozenset(Permit)
    smtp = target.endpoint(Service.SMTP)
    assert smtp is not None
    assert smtp.tls is Tls.STARTTLS
    assert target.endpoint(Service.IMAP) is None
    assert target.accounts.pool == (Account("alice@example.test", "alice@example.test", "secret-a"),)
    assert target.limits.reply_timeout_s == 10.0
    assert not target.needs_launch
    assert "secret-a" not in repr(target)


def test_the_directory_is_filled_in_once_it_is_known(whole: Path, tmp_path: Path) -> None:
    text = WHOLE.replace('ca_file = "ca.pem"', 'ca_file = "{directory}/ca.pem"')
    file = write(tmp_path, text)
    assert load_target(file).needs_launch
    served = load_target(file, directory=tmp_path)
    assert served.trust.ca_file == tmp_path / "ca.pem"
    assert served.launch is not None
    assert served.launch.argv[1] == str(tmp_path)
    assert not served.needs_launch
    with pytest.raises(TargetFileError, match=r"trust\.ca_file: .*/nowhere/ca\.pem does not exist"):
        load_target(file, directory=tmp_path / "nowhere")


MISTAKES = [
    ("schema = 1", "", r"schema: missing; write schema = 1"),
    ("schema = 1", "schema = 2", r"schema: 2 is not a format .*; write schema = 1"),
    ("schema = 1", "schema = true", r"schema: True is not a format"),
    ("schema = 1", "schema = 1\npermit = []", r'permit: unknown key; did you mean "permits"\?'),
    ("port = 2525", "prot = 2525", r'service\.smtp\.prot: unknown key; did you mean "port"\?'),
    ("port = 2525", 'port = "2525"', r"service\.smtp\.port: must be a whole number, not '2525'"),
    ("port = 2525", "port = true", r"service\.smtp\.port: must be a whole number, not True"),
    ("port = 2525", "port = 65536", r"service\.smtp\.port: must be from 1 to 65535, not 65536"),
    ("port = 2525", "port = 0", r"service\.smtp\.port: must be from 1 to 65535, not 0"),
    ("port = 2525", "", r"service\.smtp\.port: missing; give a whole number"),
    ("port = 2525", 'port = 2525\ntls = "startls"', r'"startls" is not one of .*; did you mean "starttls"\?'),
    ("port = 2525", 'port = 2525\npath = "x"', r"service\.smtp\.path: unknown key"),
    ('host = "127.0.0.1"', 'host = "smtp://x"', r'service\.smtp\.host: "smtp://x" is no host name'),
    ("[service.smtp]", "[service.smpt]", r'service\.smpt: unknown key; did you mean "smtp"\?'),
    ("[service.smtp]", '[service.imaps]\ntls = "starttls"', r'service\.imaps\.tls: must be "implicit"'),
    ("[service.smtp]", "[service]\n[limits]", r"service: no service is named; add a table like"),
    ("[service.smtp]", "[service.smtp]\n[limits]", r"limits\.host: unknown key|service\.smtp\.host: missing"),
    ('domain = "example.test"', 'domain = "a@b"', r'accounts\.domain: "a@b" is no domain'),
    (
        '"alice@example.test"',
        '"alice"',
        r'pool\[1\]\.address: "alice" is no address; write it as local-part@domain',
    ),
    (
        ', password = "secret-a"',
        "",
        r"pool\[1\]\.password: missing; give password, password_env or token_env",
    ),
    (
        'password = "secret-a"',
        'password_env = "NOT_THERE"',
        r"the environment has no NOT_THERE; export NOT_THERE=",
    ),
    ('password = "secret-a"', 'password = ""', r"pool\[1\]\.password: must not be empty"),
    (
        'pool = [{ address = "alice@example.test", password = "secret-a" }]',
        "",
        r"accounts\.pool: no account is named",
    ),
    (
        'pool = [{ address = "alice@example.test", password = "secret-a" }]',
        "pool = 3",
        r"pool: must be a list, not 3",
    ),
    ("pool = [", "pool = [3, ", r"accounts\.pool: must be a list of tables, not with 3"),
    (
        "pool = [",
        'pop3 = ["alise@example.test"]\npool = [',
        r'is not in the pool; did you mean "alice@example\.test"',
    ),
    ("[accounts]", "[accounts]\ncreate = []", r"accounts\.create: must not be empty"),
    (
        "[accounts]",
        "[limits]\nreply_timeout_s = 0\n[accounts]",
        r"limits\.reply_timeout_s: must be greater than 0",
    ),
    (
        "[accounts]",
        "[limits]\nreply_timeout_s = nan\n[accounts]",
        r"limits\.reply_timeout_s: must be greater than 0",
    ),
    ("[accounts]", "[limits]\nmax_conections = 1\n[accounts]", r'did you mean "max_connections"\?'),
    ("[accounts]", '[trust]\nca_file = "no.pem"\n[accounts]', r"trust\.ca_file: .*/no\.pem does not exist"),
    ("[accounts]", '[trust]\nca_file = "target.toml"\n[accounts]', r"trust\.ca_file: cannot read the CA"),
    (
        "[accounts]",
        '[trust]\nca_file = "{directory}/ca"\n[accounts]',
        r"trust\.ca_file: \{directory\} is known only",
    ),
    ("[accounts]", "[launch]\nargv = []\n[accounts]", r"launch\.argv: must not be empty"),
    ("[accounts]", '[launch]\nargv = ["./no"]\n[accounts]', r"launch\.argv: .*/no does not exist"),
    ("[accounts]", '[launch]\nargv = ["./target.toml"]\n[accounts]', r"is not executable; chmod \+x it"),
    (
        "[accounts]",
        '[launch]\nargv = ["a", 1]\n[accounts]',
        r"launch\.argv: must be a list of strings, not with 1",
    ),
    ("[accounts]", '[control]\nkill = ["true"]\n[accounts]', r"control\.start: missing; give a list"),
    ("[accounts]", '[outbound]\ndns = "localhost"\ndomains = ["a"]\n[accounts]', r"must be ADDRESS:PORT"),
    (
        "[accounts]",
        '[outbound]\ndns = "127.0.0.1:0"\ndomains = ["a"]\n[accounts]',
        r"must be from 1 to 65535",
    ),
    (
        "[accounts]",
        '[outbound]\ndns = "[::1]:53"\ndomains = []\n[accounts]',
        r"outbound\.domains: must not be empty",
    ),
    ("[accounts]", '[[waiver]]\nrequirement = "a"\n[accounts]', r"waiver\[1\]\.reason: missing"),
    (
        "[accounts]",
        '[[waiver]]\nrequirement = "a"\nreason = "b"\nuntil = "2027-03-31"\n[accounts]',
        r"waiver\[1\]\.until: must be a date without quotes",
    ),
    ("[accounts]", "[mda]\n[accounts]", r"mda: unknown key"),
    (
        "[accounts]",
        '[service.mda]\nargv = ["x"]\nstore = "mh:x"\n[accounts]',
        r"must be maildir:PATH or mbox:PATH",
    ),
    ("[accounts]", "[acounts]", r'acounts: unknown key; did you mean "accounts"\?'),
    ("schema = 1", "schema = 1\nschema = 1", r"is not TOML: Cannot overwrite a value"),
    (
        "schema = 1",
        'schema = 1\npermits = ["hostile"]',
        r'"hostile" is no permit; did you mean "hostile-input"\?',
    ),
]


def test_a_target_may_have_no_accounts_if_the_file_says_so(tmp_path: Path) -> None:
    pool = 'pool = [{ address = "alice@example.test", password = "secret-a" }]'
    assert load_target(write(tmp_path, MINIMAL.replace(pool, "pool = []", 1))).accounts.pool == ()


@pytest.mark.parametrize(("correct", "wrong", "message"), MISTAKES)
def test_a_mistake_is_one_line_with_file_and_key(
    tmp_path: Path, correct: str, wrong: str, message: str
) -> None:
    assert correct in MINIMAL
    file = write(tmp_path, MINIMAL.replace(correct, wrong, 1))
    with pytest.raises(TargetFileError, match=message) as caught:
        load_target(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(TargetFileError, match=r"none\.toml: cannot be read: no such file"):
        load_target(tmp_path / "none.toml")
    with pytest.raises(TargetFileError, match="cannot be read: is a directory"):
        load_target(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(TargetFileError, match="is not UTF-8 at octet 8"):
        load_target(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.1.9", True),
        ("::1", True),
        ("::ffff:127.0.0.2", True),
        ("localhost", True),
        ("mail.localhost.", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("mail.example.test", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("localhost.example.test", False),
    ],
)
def test_whoever_is_outside_the_loopback_range_must_be_permitted_by_name(
    tmp_path: Path, host: str, loopback: bool
) -> None:
    text = MINIMAL.replace("127.0.0.1", host)
    if loopback:
        target = load_target(write(tmp_path, text))
        assert is_loopback(target.endpoints[0])
        assert target.permits == frozenset(Permit)
    else:
        with pytest.raises(TargetFileError, match=r"permits: missing, and .* is outside the loopback range"):
            load_target(write(tmp_path, text))
    spelled = load_target(write(tmp_path, text.replace("schema = 1", 'schema = 1\npermits = ["load"]')))
    assert spelled.permits == {Permit.LOAD}


def test_nothing_is_permitted_by_an_empty_list(tmp_path: Path) -> None:
    assert load_target(write(tmp_path, "permits = []" + MINIMAL)).permits == frozenset()


def test_a_pattern_fills_numbers_and_nothing_else(tmp_path: Path) -> None:
    text = MINIMAL.replace(
        "pool =",
        'pattern = { address = "x{n:02}@e.test", login = "{n}", password = "{n:03}{0}", count = 2 }\npool =',
    )
    accounts = load_target(write(tmp_path, text)).accounts.pool[1:]
    assert accounts == (Account("x01@e.test", "1", "001{0}"), Account("x02@e.test", "2", "002{0}"))
    with pytest.raises(TargetFileError, match=r"accounts\.pattern\.address: must hold \{n\}"):
        load_target(write(tmp_path, text.replace("x{n:02}", "x")))
    with pytest.raises(TargetFileError, match=r"accounts\.pool: x02@e\.test is named twice"):
        load_target(write(tmp_path, text.replace("alice@example.test", "X02@e.test")))


toml_values = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(-(2**40), 2**40), st.booleans(), st.floats(), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def damaged_documents(draw: st.DrawFn) -> dict[str, object]:
    """A good target file in which one value somewhere was replaced."""
    document: dict[str, object] = tomllib.loads(WHOLE)
    place: object = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))  # type: ignore[arg-type]
        key = draw(st.sampled_from(keys))
        inner = place[key]  # type: ignore[index]
        if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
            place[key] = draw(toml_values)  # type: ignore[index]
            return document
        place = inner


@given(document=damaged_documents())
def test_no_damage_ends_in_anything_but_one_line(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("damaged") / "target.toml"
    file.write_text(tomli_w.dumps(document), encoding="utf-8")
    os.environ.setdefault("BOB_PASSWORD", "b")
    complaint = ""
    try:
        load_target(file)
    except TargetFileError as error:
        complaint = str(error)
    assert complaint == "" or complaint.startswith(str(file))
    assert len(complaint.splitlines()) <= 1
