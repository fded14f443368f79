"""Wiring: a configuration becomes a running server, and SIGTERM ends it cleanly."""

import asyncio
import contextlib
import gc
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.vocabulary.services import Service
from reference_server.clock import Clock
from reference_server.codec.smtp.path import address_literal
from reference_server.config import Config
from reference_server.defects import Defects
from reference_server.log import LOG, describe
from reference_server.mda.administration import Accounts
from reference_server.mda.aliases import Aliases
from reference_server.mda.desk import Desk
from reference_server.mda.files import Maildir, Mbox, Spool
from reference_server.net.certificates import (
    Certificates,
    configured,
    names_for,
    outgoing_context,
    self_made,
)
from reference_server.net.control import Control
from reference_server.net.hub import Hub
from reference_server.net.listener import Listener, listen, listen_unix
from reference_server.net.outgoing import Outgoing
from reference_server.net.relay import Relay
from reference_server.net.resolver import DnsResolver
from reference_server.net.services import Services
from reference_server.relay.administration import Administration
from reference_server.relay.dialogue import OutgoingSettings
from reference_server.relay.queue import TABLES, LoadQueue, Queue
from reference_server.relay.routing import Router
from reference_server.store import Account, Store
from reference_server.store.changes import SetQuota, Together
from reference_server.store.passwords import CHEAP
from reference_server.store.values import Quota
from reference_server.system_clock import SystemClock
from reference_server.target_file import write_target

_LOG = LOG.getChild("server")
_SWITCH_INTERVAL_S = 0.0005
"""The writer thread must get its turn soon while the loop is busy."""


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; raises `MailproofError` when it cannot start."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    clock = SystemClock()
    with _data_directory(config) as data, contextlib.ExitStack() as stack:
        store = Store.open(data, clock=clock, cost=CHEAP if config.data is None else None, tables=TABLES)
        stack.callback(store.close)
        _make_accounts(store, config)
        certificates = _certificates(config, data)
        listeners = [stack.enter_context(_closing(listener)) for listener in _bind(config)]
        asyncio.run(_serve(config, store, clock, certificates, listeners, data=data))


@contextlib.contextmanager
def _data_directory(config: Config) -> Iterator[Path]:
    if config.data is not None:
        yield config.data
        return
    with tempfile.TemporaryDirectory(prefix="mailproof-") as directory:
        yield Path(directory)


def _make_accounts(store: Store, config: Config) -> None:
    """Add the accounts that are missing; give all the password and the quota that are configured now."""
    quotas = [SetQuota(None, Quota(config.quota_octets, config.quota_messages))]
    for wanted in config.accounts:
        account = store.account(wanted.address)
        if account is None:
            added = store.add_account(wanted.address, wanted.password)
            assert isinstance(added, Account)
            account = added
        elif store.verify(wanted.address, wanted.password) is None:
            store.set_password(account.account_id, wanted.password)
        quotas.append(SetQuota(account.account_id, Quota(wanted.quota_octets, wanted.quota_messages)))
    store.commit(Together(tuple(quotas)))


def _spools(config: Config) -> dict[str, Spool]:
    """Make where the mail of accounts goes that is not kept in the store."""
    kinds: dict[str, type[Spool]] = {"maildir": Maildir, "mbox": Mbox}
    return {
        account.address.lower(): kinds[account.deliver.kind](account.deliver.path)
        for account in config.accounts
        if account.deliver is not None
    }


def _certificates(config: Config, data: Path) -> Certificates:
    if config.tls is not None:
        return configured(config.tls)
    return self_made(data / "tls", names_for(config.hostname, config.bind))


def _bind(config: Config) -> Iterator[Listener]:
    for service, port in config.ports.items():
        yield listen(service, config.bind, port)
    if config.lmtp_path is not None:
        yield listen_unix(Service.LMTP, config.lmtp_path)


@contextlib.contextmanager
def _closing(listener: Listener) -> Iterator[Listener]:
    try:
        yield listener
    finally:
        listener.socket.close()
        if listener.path is not None:
            listener.path.unlink(missing_ok=True)


async def _serve(
    config: Config,
    store: Store,
    clock: Clock,
    certificates: Certificates,
    listeners: list[Listener],
    *,
    data: Path,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_FaultLog())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    defects = Defects(config.faults)
    queue = Queue()
    hub = Hub(
        loop,
        store,
        max_connections_per_address=config.limits.max_connections_per_address,
        failed_login_delay_s=config.limits.failed_login_delay_s,
    )
    store.attach(soon=hub.gathering, deliver=loop.call_soon_threadsafe)
    store.submit(LoadQueue(queue))
    desk = Desk(
        accounts=store,
        queue=queue,
        clock=clock,
        defects=defects,
        hostname=config.hostname,
        domains=config.domains,
        literals=[address_literal(config.bind)],
        postmaster=config.postmaster or (config.accounts[0].address if config.accounts else None),
        aliases=Aliases(config.aliases),
        spools=_spools(config),
    )
    relay = _relay(config, hub, queue, desk, clock=clock, defects=defects)
    services = Services(
        hub=hub, store=store, desk=desk, config=config, clock=clock, defects=defects, tls=certificates.context
    )
    servers = [await services.serve(listener) for listener in listeners]
    if config.write_target is not None:
        write_target(config, listeners, certificates.ca_file)
    _announce(config, listeners)
    gc.collect()
    gc.freeze()
    relaying = asyncio.create_task(relay.run())
    control = Control(
        {
            **Administration(queue, relay.commit, relay.query).handlers,
            **Accounts(store, relay.commit, config.domains).handlers,
        }
    )
    async with control.listening(data):
        await stop.wait()
    _LOG.info("stopping")
    for server in servers:
        server.close()
    grace_s = config.limits.shutdown_grace_s
    await asyncio.gather(hub.stop(grace_s), relay.stop(grace_s), relaying)
    await _drained(store, loop)


def _relay(config: Config, hub: Hub, queue: Queue, desk: Desk, *, clock: Clock, defects: Defects) -> Relay:
    """Make what empties the queue."""
    settings = config.relay
    own_port = config.ports.get(Service.SMTP) == settings.port
    router = Router(
        DnsResolver(config.resolver, timeout_s=settings.dns_timeout_s, defects=defects),
        own_names=(config.hostname,),
        own_addresses=(config.bind,) if own_port else (),
        defects=defects,
        random_source=random.Random(),
    )
    outgoing = Outgoing(
        hub,
        port=settings.port,
        settings=OutgoingSettings(
            config.hostname,
            settings.reply_timeout_s,
            settings.final_reply_timeout_s,
            settings.idle_s,
            settings.max_messages_per_connection,
        ),
        connect_timeout_s=settings.connect_timeout_s,
        tls=outgoing_context(),
        defects=defects,
    )
    return Relay(
        store=hub.store,
        queue=queue,
        desk=desk,
        router=router,
        speak=outgoing.speak,
        schedule=settings.schedule,
        clock=clock,
        defects=defects,
        hostname=config.hostname,
        max_attempts_at_once=settings.max_attempts_at_once,
        max_attempts_per_destination=settings.max_attempts_per_destination,
    )


async def _drained(store: Store, loop: asyncio.AbstractEventLoop) -> None:
    """Wait for changes that are under way, so that their sessions are answered before the loop ends."""
    await loop.run_in_executor(None, store.close)
    await asyncio.sleep(0)


def _announce(config: Config, listeners: list[Listener]) -> None:
    """Tell people where everything is; programs read the target file."""
    for listener in listeners:
        print(f"{listener.service:<12} {listener.place}")
    for account in config.accounts:
        print(f"account      {account.address}")
    for alias, targets in config.aliases.items():
        print(f"alias        {alias} = {', '.join(map(str, targets))}")
    if config.write_target is not None:
        print(f"target       {config.write_target}")
    sys.stdout.flush()
    _LOG.info("%s serves %s", config.hostname, ", ".join(config.domains))


class _FaultLog:
    """Logs what no session caught in one line, and the same thing no more than once a second."""

    def __init__(self) -> None:
        self._last = ""
        self._again_at_s = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = (
            f"{context.get('message', 'fault')}: {describe(error) if error is not None else 'no exception'}"
        )
        if text != self._last or loop.time() >= self._again_at_s:
            _LOG.error("%s", text)
            self._last = text
            self._again_at_s = loop.time() + 1.0
