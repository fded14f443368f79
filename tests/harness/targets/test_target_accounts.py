"""Accounts: disjoint shares, exclusive leases, fresh ones on demand."""

import sys
import threading
from contextlib import ExitStack
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.targets.accounts import AccountPool, OutOfAccounts, create_account
from harness.targets.file import Account, Accounts
from harness.targets.findings import Lacking


def some(count: int, drops: int = 0) -> Accounts:
    pool = tuple(Account(f"u{n}@e.test", f"u{n}", "p") for n in range(count))
    return Accounts("e.test", pool, pool[count - drops :] if drops else ())


@given(data=st.data(), count=st.integers(1, 60), workers=st.integers(1, 8))
def test_workers_have_disjoint_shares_of_nearly_equal_size(
    data: st.DataObject, count: int, workers: int
) -> None:
    accounts = some(count, data.draw(st.integers(0, count)))
    pools = [AccountPool(accounts, worker=(index, workers)) for index in range(workers)]
    shares = [set(map(str, pool.accounts)) for pool in pools]
    assert all(not one & other for one, other in combinations(shares, 2))
    assert sum(map(len, shares)) == count
    assert max(map(len, shares)) - min(map(len, shares)) <= 2
    assert sum(pool.maildrops for pool in pools) == len(accounts.pop3)
    assert max(pool.maildrops for pool in pools) - min(pool.maildrops for pool in pools) <= 1


def test_nobody_gets_an_account_that_is_out() -> None:
    pool = AccountPool(some(3))
    with pool.lease() as first, pool.lease() as second, pool.lease() as third:
        assert len({first, second, third}) == 3
        with pytest.raises(OutOfAccounts, match="no account is free; name more"), pool.lease():
            pass
    with pool.lease() as again:
        assert again == third  # the first that came back


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_accounts_than_checks_need_are_a_lack_of_the_target_file(count: int) -> None:
    pool = AccountPool(some(count))
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(pool.lease())
        with pytest.raises(Lacking, match=f"no account is free of {count}; name more"), pool.lease():
            pass


def test_nobody_waits_for_what_only_he_himself_could_give_back() -> None:
    pool = AccountPool(some(1))
    idle = threading.Event()
    bystander = threading.Thread(target=idle.wait)
    bystander.start()
    try:
        with pool.lease(), pytest.raises(Lacking), pool.lease():
            pass
    finally:
        idle.set()
        bystander.join()


def test_accounts_go_round() -> None:
    pool = AccountPool(some(3))
    seen = []
    for _ in range(4):
        with pool.lease() as account:
            seen.append(account.login)
    assert seen == ["u0", "u1", "u2", "u0"]


def test_no_more_accounts_go_round_than_are_needed() -> None:
    pool = AccountPool(some(20, drops=8))
    for maildrop, logins in ((False, range(6)), (True, range(12, 18))):
        seen = set()
        for _ in range(20):
            with pool.lease(maildrop=maildrop) as account:
                seen.add(account.login)
        assert seen == {f"u{n}" for n in logins}
    leases = [pool.take() for _ in range(20)]
    assert len(set(leases)) == 20
    assert {account.login for account in leases[12:18]} == {f"u{n}" for n in range(12, 18)}


def test_an_account_comes_back_after_trouble() -> None:
    pool = AccountPool(some(1))
    with pytest.raises(RuntimeError, match="trouble"), pool.lease():
        raise RuntimeError("trouble")
    with pool.lease() as account:
        assert account.login == "u0"


def test_maildrops_are_kept_for_those_who_need_them() -> None:
    pool = AccountPool(some(3, drops=1))
    with pool.lease() as one, pool.lease() as two:
        assert {one.login, two.login} == {"u0", "u1"}
        with pool.lease(maildrop=True) as drop:
            assert drop.login == "u2"
            with (
                pytest.raises(Lacking, match=r"no account of \[accounts\] pop3 is free of 1; name more"),
                pool.lease(maildrop=True),
            ):
                pass
        with pool.lease() as third:
            assert third.login == "u2"  # better one of those than none


def test_another_thread_waits_for_its_turn() -> None:
    pool = AccountPool(some(1))
    got = []

    def wait() -> None:
        with pool.lease() as account:
            got.append(account.login)

    with pool.lease():
        thread = threading.Thread(target=wait)
        thread.start()
        assert got == []
    thread.join()
    assert got == ["u0"]


def test_fresh_accounts_are_made_when_all_are_out() -> None:
    made: list[Account] = []

    def create() -> Account:
        made.append(Account(f"new{len(made)}@e.test", "new", "p"))
        return made[-1]

    pool = AccountPool(some(1), create=create)
    with pool.lease() as old, pool.lease() as new:
        assert (old.login, new) == ("u0", made[0])
    with pool.lease() as one, pool.lease() as other:
        assert {one, other} == {old, made[0]}
    assert len(made) == 1


def test_the_command_that_makes_an_account_gets_address_and_password() -> None:
    script = (
        "import sys; address, password = sys.argv[1:]; "
        "sys.exit(0 if address == 'x1@e.test' and len(password) > 9 else 'no: ' + address)"
    )
    command = [sys.executable, "-c", script, "{address}", "{password}"]
    account = create_account(command, "e.test", "x1")
    assert (account.address, account.login) == ("x1@e.test", "x1@e.test")
    with pytest.raises(
        OutOfAccounts, match=r"accounts\.create ended with status 1 for x2@e\.test: no: x2@e\.test"
    ):
        create_account(command, "e.test", "x2")
    with pytest.raises(OutOfAccounts, match=r"accounts\.create: /no/such cannot be started"):
        create_account(["/no/such"], "e.test", "x3")
