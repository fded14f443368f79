"""The target file, the running target, and what checks get of it."""

from harness.targets.embedded import embedded_target
from harness.targets.file import Account, Endpoint, Permit, TargetFile, Waiver
from harness.targets.findings import DeliveryRefused, WrongMail
from harness.targets.imap_mailbox import ImapMailbox
from harness.targets.inbox import StoredMessage
from harness.targets.launch import LaunchFailed, launched
from harness.targets.loader import load_target
from harness.targets.mailbox import Mailbox
from harness.targets.maildrop import Maildrop
from harness.targets.outbound import Outbound
from harness.targets.recorder import Dialogue, Recorder
from harness.targets.target import Target

__all__ = [
    "Account",
    "DeliveryRefused",
    "Dialogue",
    "Endpoint",
    "ImapMailbox",
    "LaunchFailed",
    "Mailbox",
    "Maildrop",
    "Outbound",
    "Permit",
    "Recorder",
    "StoredMessage",
    "Target",
    "TargetFile",
    "Waiver",
    "WrongMail",
    "embedded_target",
    "launched",
    "load_target",
]
