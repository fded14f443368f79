"""IMAP and a full account: NO [OVERQUOTA] (RFC 5530 §3), and nothing changed."""

import pytest
from imap_desk import MESSAGE, log_in

from reference_server.store import Account, Store
from reference_server.store.values import Quota


@pytest.mark.parametrize("command", [b"COPY", b"UID COPY"])
def test_append_and_copy(store: Store, alice: Account, command: bytes) -> None:
    store.set_quota(alice.account_id, Quota(octets=len(MESSAGE) + 1))
    peer = log_in(store)
    peer.ok(b"CREATE Archive")
    assert peer.append().startswith(b"OK [APPENDUID ")
    assert peer.append().startswith(b"NO [OVERQUOTA] ")
    peer.ok(b"SELECT INBOX")
    assert peer.word(command + b" 1 Archive") == b"NO [OVERQUOTA]"
    assert peer.ok(b"STATUS Archive (MESSAGES)") == [b"* STATUS Archive (MESSAGES 0)"]
    assert peer.word(b"MOVE 1 Archive") == b"OK"
    assert peer.ok(b"STATUS Archive (MESSAGES)") == [b"* STATUS Archive (MESSAGES 1)"]
