from pathlib import Path

import pytest

from harness.vocabulary.services import Service
from loadtests.profile_file import (
    PROFILE_DIRECTORY,
    Gate,
    ProfileError,
    load_profile,
    profile_names,
    read_profile,
)

GOOD = (PROFILE_DIRECTORY / "smtp-inbound.toml").read_text(encoding="utf-8")


def test_profiles_that_come_with_mailproof_are_good() -> None:
    assert profile_names() == ["imap-reading", "mail-flow", "pop3-download-delete", "smtp-inbound"]
    for name in profile_names():
        profile = load_profile(name)
        assert profile.name == name
        assert len(profile.summary) < 120
        assert profile.service_level.gates


def test_what_a_profile_says() -> None:
    profile = load_profile("mail-flow")
    assert profile.services == ((Service.SMTP,), (Service.IMAP, Service.IMAPS))
    assert profile.knob("give_up_s") == 60.0
    assert Gate("FLOW delivery", 0.99, 60000.0) in profile.service_level.gates


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(
        ProfileError, match=r"^no load profile 'imap-readin'; did you mean \"imap-reading\"\?$"
    ):
        load_profile("imap-readin")
    with pytest.raises(ProfileError, match=r"^no load profile 'x'; known: imap-reading, mail-flow, "):
        load_profile("x")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("pause_s =", "pauze_s =", 'pauze_s: unknown key; did you mean "pause_s"?'),
        ("schema = 1", "schema = 2", "schema: this mailproof reads schema 1"),
        ('user = "inbound"', 'user = "outbound"', "user: no such kind of user; known: inbound"),
        ('["smtp"]', '["smpt"]', "services: unknown service ['smpt']; known: smtp"),
        ("pause_s = [0.0, 0.2]", "pause_s = [0.3, 0.2]", "pause_s: must be two numbers, the smaller first"),
        ("starttls_share = 0.9", "", "knobs.starttls_share: missing; give a number"),
        (
            "starttls_share = 0.9",
            "starttls_share = 0.9\nrecipients = 2",
            "knobs.recipients: unknown key; known: ",
        ),
        (
            "max_failure_ratio = 0.001",
            "max_failure_ratio = 2",
            "service_level.max_failure_ratio: must be a number",
        ),
        ("{ p95 = 1000 }", "{ p96 = 1000 }", "service_level.percentiles_ms.SMTP connect.p96: unknown key"),
        ("users = 10", 'users = "ten"', "defaults.users: must be a number"),
        ("users = 10", "users = 0", "defaults.users: must be a number from 1"),
        ("[512, 2048]", "[0, 2048]", "sizes[1].range: must begin at 1 or above"),
        ("exclusive_accounts = false", "exclusive_accounts = 0", "exclusive_accounts: must be true or false"),
    ],
)
def test_wrong_profile_is_one_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "own.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        read_profile(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


def test_own_profile_by_path(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD, encoding="utf-8")
    assert load_profile(str(tmp_path / "own.toml")).name == "own"
    with pytest.raises(ProfileError, match="No such file"):
        load_profile(str(tmp_path / "missing.toml"))
    (tmp_path / "bad.toml").write_text("schema = ", encoding="utf-8")
    with pytest.raises(ProfileError, match="not TOML"):
        load_profile(str(tmp_path / "bad.toml"))
