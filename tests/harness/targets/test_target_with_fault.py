"""A fault of the proxy as what refutes: put into the connections to the target, in this process."""

from harness.peers.faults import fault_factory
from harness.targets.embedded import embedded_target
from harness.targets.target import Target
from harness.transport.chain import Chain
from harness.vocabulary.services import Service


def test_a_fault_stands_in_every_connection_that_it_has_to_do_with() -> None:
    with embedded_target(outbound=False) as file, Target(file) as target, target.account() as account:
        refusing = fault_factory("transport-refuse-for-now", match="^NOOP")
        with target.with_refutation(refusing):
            with target.imap(account) as imap:
                assert not imap.noop().ok
                assert imap.noop().ok
            with target.imap(account, service=Service.IMAPS) as imap:
                assert not imap.noop().ok
            with target.pop3(account) as pop3:
                assert not pop3.noop().ok
            with target.submission(account) as smtp:
                assert smtp.noop().code == 451
            with target.lmtp() as lmtp:
                assert lmtp.noop().code == 451
        with target.imap(account) as imap:
            assert imap.noop().ok


def test_faults_in_a_row() -> None:
    chain = Chain([fault_factory("transport-split"), fault_factory("transport-reply-twice", match="^VRFY")])
    with (
        embedded_target(outbound=False) as file,
        Target(file) as target,
        target.with_refutation(chain),
        target.smtp() as smtp,
    ):
        first = smtp.vrfy("nobody")
        assert smtp.read_reply() == first
