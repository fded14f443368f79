"""The client's IMAP, sans-IO (RFC 3501, RFC 9051).

Responses come in through `ResponseFramer` and `parse_response`, commands go out through `encode_command`;
`SessionTracker` follows what the responses say about the session and its mailbox.
"""

from harness.wire.imap.bodystructure import BodyStructure, Disposition
from harness.wire.imap.commands import (
    Literal,
    OutgoingCommand,
    Part,
    Tags,
    astring,
    encode_command,
    flag_list,
    list_mailbox,
    mailbox,
    quoted,
    string,
)
from harness.wire.imap.cursor import Tree
from harness.wire.imap.dates import encode_date, encode_date_time
from harness.wire.imap.envelope import Address, Envelope
from harness.wire.imap.fetch import FetchData, canonical_section
from harness.wire.imap.framing import Limits, ResponseFramer
from harness.wire.imap.mailbox_data import (
    Capability,
    Enabled,
    Exists,
    Expunge,
    Flags,
    ListData,
    NamespaceEntry,
    Namespaces,
    OtherData,
    Recent,
    ServerId,
    StatusData,
    Vanished,
)
from harness.wire.imap.mailbox_names import decode_mailbox_name, encode_mailbox_name
from harness.wire.imap.responses import Continuation, Data, Response, Value, parse_greeting, parse_response
from harness.wire.imap.search_data import ESearch, SearchData, SortData, ThreadData
from harness.wire.imap.sequences import Numbers, SequenceSet, encode_sequence_set
from harness.wire.imap.status import AppendUid, CopyUid, ResponseCode, Status
from harness.wire.imap.tracking import SelectedMailbox, SessionTracker

__all__ = [
    "Address",
    "AppendUid",
    "BodyStructure",
    "Capability",
    "Continuation",
    "CopyUid",
    "Data",
    "Disposition",
    "ESearch",
    "Enabled",
    "Envelope",
    "Exists",
    "Expunge",
    "FetchData",
    "Flags",
    "Limits",
    "ListData",
    "Literal",
    "NamespaceEntry",
    "Namespaces",
    "Numbers",
    "OtherData",
    "OutgoingCommand",
    "Part",
    "Recent",
    "Response",
    "ResponseCode",
    "ResponseFramer",
    "SearchData",
    "SelectedMailbox",
    "SequenceSet",
    "ServerId",
    "SessionTracker",
    "SortData",
    "Status",
    "StatusData",
    "Tags",
    "ThreadData",
    "Tree",
    "Value",
    "Vanished",
    "astring",
    "canonical_section",
    "decode_mailbox_name",
    "encode_command",
    "encode_date",
    "encode_date_time",
    "encode_mailbox_name",
    "encode_sequence_set",
    "flag_list",
    "list_mailbox",
    "mailbox",
    "parse_greeting",
    "parse_response",
    "quoted",
    "string",
]
