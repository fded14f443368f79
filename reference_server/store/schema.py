"""The tables. The store's own version number is in the file's header, where it can be read without SQLite."""

from typing import Final

APPLICATION_ID: Final = 0x4D50524F
"""`MPRO`: marks a database file as ours."""
VERSION: Final = 2
PAGE_OCTETS: Final = 16_384
"""Between small and large messages: with 4, 8, 16 and 32 KiB a durable message of 1 KiB cost the store
21, 21, 23 and 35 µs of CPU, one of 64 KiB 200, 160, 135 and 99 (15 in a transaction, the best of 14 runs)."""

SCHEMA: Final = """
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL UNIQUE COLLATE NOCASE,
    password_hash TEXT NOT NULL,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL,
    quota_octets INTEGER,
    quota_messages INTEGER
);

CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    selectable INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL DEFAULT 1,
    keywords TEXT NOT NULL DEFAULT '',
    recent_from INTEGER NOT NULL DEFAULT 1,
    octets INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, name)
);

-- The UIDVALIDITY under which a name was last used by a mailbox that is now deleted or renamed.
CREATE TABLE retired_name (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) WITHOUT ROWID;

CREATE TABLE subscription (
    account_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
) WITHOUT ROWID;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header_size INTEGER NOT NULL,
    octets BLOB NOT NULL
);

-- A message in a mailbox.
CREATE TABLE entry (
    mailbox_id INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    zone_min INTEGER NOT NULL,
    size INTEGER NOT NULL,
    sent_day INTEGER NOT NULL,
    open_end INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, uid)
) WITHOUT ROWID;

-- How many entries a message has, where it is more than one.
CREATE TABLE shared (
    message_id INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL
);

-- Messages without any entry, which some session may still show.
CREATE TABLE garbage (
    message_id INTEGER PRIMARY KEY
);
"""

UPGRADES: Final = {
    1: (
        # Format 2 counts what each mailbox holds, for quotas.
        "ALTER TABLE account ADD COLUMN quota_octets INTEGER",
        "ALTER TABLE account ADD COLUMN quota_messages INTEGER",
        "ALTER TABLE mailbox ADD COLUMN octets INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE mailbox ADD COLUMN messages INTEGER NOT NULL DEFAULT 0",
        """UPDATE mailbox SET (octets, messages) =
        (SELECT coalesce(sum(size), 0), count(*) FROM entry WHERE mailbox_id = mailbox.id)""",
    ),
}
"""What turns a database of an earlier format into one of the next."""
