"""What an operator asks of accounts: list, add, new password, remove; on the thread that owns the store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from harness.vocabulary.errors import UsageError
from reference_server.config import checked_address
from reference_server.net.control import ControlError, Handler
from reference_server.store import Store
from reference_server.store.change import Change
from reference_server.store.changes import AccountAdded, AddAccount, RemoveAccount, SetPassword, SetQuota
from reference_server.store.values import Account, Quota, Refusal

Commit = Callable[[Change[Any]], Awaitable[Any]]


class Accounts:
    """Carries the commands out, in the running server or on a store that no server uses."""

    def __init__(self, store: Store, commit: Commit, domains: Collection[str] | None = None) -> None:
        self._store = store
        self._commit = commit
        self._domains = None if domains is None else frozenset(domain.lower() for domain in domains)
        """The server's domains, where that is known: an account elsewhere would never get mail."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The commands, by name."""
        return {
            "account list": self._list,
            "account add": self._add,
            "account passwd": self._passwd,
            "account remove": self._remove,
        }

    async def _list(self, request: dict[str, Any]) -> Any:  # noqa: ARG002
        return [self._described(account) for account in self._store.accounts()]

    async def _add(self, request: dict[str, Any]) -> Any:
        address = _address(request)
        domain = address.rpartition("@")[2].lower()
        if self._domains is not None and domain not in self._domains:
            raise ControlError(f"{address}: {domain} is no domain of the running server")
        secret = await asyncio.to_thread(self._store.secret, _password(request))
        result = await self._commit(AddAccount(address, secret))
        if not isinstance(result, AccountAdded):
            raise ControlError(f"{address}: there is such an account already")
        quota = Quota(_limit(request, "quota_octets"), _limit(request, "quota_messages"))
        if quota != Quota():
            await self._commit(SetQuota(result.account.account_id, quota))
        return self._described(result.account)

    async def _passwd(self, request: dict[str, Any]) -> Any:
        account = self._account(request)
        secret = await asyncio.to_thread(self._store.secret, _password(request))
        if isinstance(await self._commit(SetPassword(account.account_id, secret)), Refusal):
            raise ControlError(f"{account.address}: no such account")
        return self._described(account)

    async def _remove(self, request: dict[str, Any]) -> Any:
        account = self._account(request)
        described = self._described(account)
        if isinstance(await self._commit(RemoveAccount(account.account_id)), Refusal):
            raise ControlError(f"{account.address}: no such account")
        return described

    def _account(self, request: dict[str, Any]) -> Account:
        address = _address(request)
        account = self._store.account(address)
        if account is None:
            raise ControlError(f"{address}: no such account")
        return account

    def _described(self, account: Account) -> dict[str, Any]:
        usage = self._store.usage(account.account_id)
        quota = (usage and usage.quota) or Quota()
        return {
            "address": account.address,
            "messages": usage.messages if usage else 0,
            "octets": usage.octets if usage else 0,
            "quota_octets": quota.octets,
            "quota_messages": quota.messages,
        }


def _address(request: dict[str, Any]) -> str:
    try:
        return checked_address(str(request.get("address", "")), "ADDRESS")
    except UsageError as error:
        raise ControlError(str(error)) from None


def _password(request: dict[str, Any]) -> str:
    password = request.get("password")
    if not isinstance(password, str) or not password:
        raise ControlError("a password cannot be empty")
    return password


def _limit(request: dict[str, Any], name: str) -> int | None:
    limit = request.get(name)
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise ControlError(f"{name}: {limit!r} is no number of 0 or more")
    return limit
