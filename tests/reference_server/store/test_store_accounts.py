"""Accounts: who is found by what, and passwords that are nowhere in the clear."""

from pathlib import Path

import pytest
from conftest import PASSWORD

from reference_server.clock import ManualClock
from reference_server.store import Account, NewMessage, Refusal, Store
from reference_server.store.changes import AccountRemoved, Append
from reference_server.store.passwords import CHEAP, Cost, Passwords


def test_login_by_address_or_local_part_in_any_case(store: Store, alice: Account) -> None:
    for login in ("alice", "ALICE", "alice@one.test", "Alice@One.Test"):
        assert store.verify(login, PASSWORD) == alice
        assert store.verify(login, "wrong") is None
    assert store.verify("alice@two.test", PASSWORD) is None
    assert store.verify("", PASSWORD) is None


def test_a_local_part_that_two_accounts_have_names_neither(store: Store, alice: Account) -> None:
    other = store.add_account("alice@two.test", "x")
    assert store.account("alice") is None
    assert store.account("alice@two.test") == other
    assert isinstance(other, Account)
    store.remove_account(other.account_id)
    assert store.account("alice") == alice


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("alice@one.test", True),
        ("Alice+any+thing@ONE.test", True),
        ("alice", False),
        ("bob@one.test", False),
        ("alice@two.test", False),
        ("+alice@one.test", False),
    ],
)
def test_resolve_recipients(store: Store, alice: Account, address: str, found: bool) -> None:
    assert store.resolve(address) == (alice if found else None)


def test_an_address_with_a_plus_of_its_own_comes_first(store: Store, alice: Account) -> None:
    special = store.add_account("alice+list@one.test", "x")
    assert store.resolve("alice+list@one.test") == special
    assert store.resolve("alice+other@one.test") == alice


def test_add_twice(store: Store, alice: Account) -> None:
    assert store.add_account("ALICE@one.test", "x") is Refusal.ACCOUNT_EXISTS
    assert store.accounts() == (alice,)


def test_new_password(store: Store, alice: Account, tmp_path: Path) -> None:
    assert store.verify("alice", PASSWORD)
    store.set_password(alice.account_id, "new")
    assert store.verify("alice", PASSWORD) is None
    assert store.verify("alice", "new")
    store.close()
    again = Store.open(tmp_path / "data", cost=CHEAP)
    assert again.verify("alice", "new")
    assert again.verify("alice", PASSWORD) is None
    again.close()


def test_nobody_s_password(store: Store) -> None:
    assert store.set_password(77, "x") is Refusal.NO_SUCH_ACCOUNT
    assert store.remove_account(77) is Refusal.NO_SUCH_ACCOUNT


def test_remove_takes_all_mail_along(store: Store, alice: Account, bob: Account) -> None:
    for account in (alice, bob):
        store.commit(Append(account.account_id, "INBOX", (NewMessage(b"x"),)))
    assert isinstance(store.remove_account(alice.account_id), AccountRemoved)
    store.settle()
    assert store.accounts() == (bob,)
    assert store.resolve("alice@one.test") is None
    assert store.mailboxes(alice.account_id) == ()
    assert store.run_query(_messages) == 1
    again = store.add_account("alice@one.test", "x")
    assert isinstance(again, Account)
    assert again.account_id > alice.account_id


def _messages(connection: object) -> int:
    return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])  # type: ignore[attr-defined]


def test_no_password_is_in_any_file_or_repr(store: Store, alice: Account, tmp_path: Path) -> None:
    store.verify("alice", PASSWORD)
    store.close()
    for path in (tmp_path / "data").iterdir():
        assert PASSWORD.encode() not in path.read_bytes()
    assert alice.secret.password_hash not in repr(alice)
    assert alice.secret.password_hash.startswith("$argon2id$")


def test_two_accounts_with_one_password_have_nothing_in_common(alice: Account, bob: Account) -> None:
    assert alice.secret.password_hash != bob.secret.password_hash
    assert alice.secret.scram.stored_key != bob.secret.scram.stored_key


def test_scram_keys_of_an_unknown_login_are_always_the_same(store: Store, alice: Account) -> None:
    account, keys = store.scram_keys("nobody")
    assert account is None
    assert store.scram_keys("NOBODY")[1].salt == keys.salt
    assert store.scram_keys("somebody")[1].salt != keys.salt
    known = store.scram_keys("alice")[1]
    assert (len(keys.salt), keys.iterations) == (len(known.salt), known.iterations)


class CountingHasher:
    def __init__(self, passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        verify = passwords._hasher.verify

        class Hasher:
            @staticmethod
            def verify(password_hash: str, password: bytes) -> bool:
                self.count += 1
                return verify(password_hash, password)

        monkeypatch.setattr(passwords, "_hasher", Hasher)


def test_a_verified_password_is_remembered_for_a_short_time(
    store: Store, alice: Account, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = CountingHasher(store.passwords, monkeypatch)
    for _ in range(3):
        assert store.verify("alice", PASSWORD)
    assert hasher.count == 1
    assert store.verify("alice", "wrong") is None
    assert hasher.count == 2
    clock.advance(61)
    assert store.verify("alice", PASSWORD)
    assert hasher.count == 3


def test_an_unknown_login_costs_a_hash_each_time(
    store: Store, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = CountingHasher(store.passwords, monkeypatch)
    for expected in (1, 2):
        assert store.verify("nobody", PASSWORD) is None
        assert hasher.count == expected


def test_what_is_remembered_is_bounded(alice: Account, clock: ManualClock) -> None:
    passwords = Passwords(b"k" * 32, clock.monotonic_s, CHEAP, remember_limit=2)
    accounts = [Account(n, f"{n}@one.test", passwords.secret("x")) for n in range(5)]
    assert all(passwords.verify(account, "x") for account in accounts)
    assert len(passwords._verified) <= 2


@pytest.mark.parametrize("password", ["", "p\u00e4ss", "\udcff\udcfe", "a\0b", "x" * 5000])
def test_any_octets_can_be_a_password(clock: ManualClock, password: str) -> None:
    passwords = Passwords(b"k" * 32, clock.monotonic_s, CHEAP)
    account = Account(1, "a@one.test", passwords.secret(password))
    assert passwords.verify(account, password)
    assert not passwords.verify(account, password + "x")


def test_default_cost_is_what_is_recommended() -> None:
    cost = Cost()
    assert (cost.argon2_passes, cost.argon2_memory_kib) >= (2, 19_456)
    assert cost.scram_iterations >= 4096


def test_an_unknown_login_has_the_salt_of_its_address_as_a_known_one_has(
    store: Store, alice: Account
) -> None:
    """Else the salts of `bob` and `bob@one.test` would tell that there is no such account."""

    def salt(login: str) -> bytes:
        return store.scram_keys(login)[1].salt

    assert salt("alice") == salt("Alice@one.test") == alice.secret.scram.salt
    assert salt("bob") == salt("Bob@one.test")
    assert len({salt("alice"), salt("bob"), salt("bob@two.test"), salt("alice@two.test")}) == 4
    store.add_account("alice@two.test", "x")
    assert salt("carol") in {salt("carol@one.test"), salt("carol@two.test")}
