"""What a message needs of a next hop, and the commands that follow from what the hop offers.

8-bit text needs 8BITMIME (RFC 6152 §3), binary text BINARYMIME with CHUNKING (RFC 3030 §3), UTF-8 in an
address or a header SMTPUTF8 (RFC 6531 §3.2). A message that a hop cannot take as it is comes back: to convert
it would break what its sender has signed, and RFC 6152 §3 leaves the choice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reference_server.codec.smtp.notification import write_envid, write_notify, write_orcpt
from reference_server.codec.smtp.reply import Reply
from reference_server.defects import Defects
from reference_server.relay.mail import Addressee, OutgoingMail

_LIMIT = re.compile(r"([A-Z0-9][A-Z0-9-]*)=([0-9]{1,6})", re.IGNORECASE)
"""RFC 9422 §3: limit-name "=" limit-value."""

# RFC 6531 §4.2: X.6.7 for addresses, X.6.9 for header fields.
_UTF8_ADDRESS = Reply(553, "5.6.7", ("the next hop takes no addresses outside ASCII (no SMTPUTF8)",))
_UTF8_HEADER = Reply(550, "5.6.9", ("the next hop takes no header outside ASCII (no SMTPUTF8)",))


@dataclass(frozen=True, slots=True)
class Requirements:
    """How a message goes to a hop."""

    body: str | None = None
    """The value of BODY=."""
    smtputf8: bool = False
    impossible: dict[int, Reply] = field(default_factory=dict)
    """Recipients, by position, for whom the hop cannot take the message, with the reason."""

    @property
    def chunks(self) -> bool:
        """Whether the text goes by BDAT."""
        return self.body == "BINARYMIME"


def requirements(mail: OutgoingMail, keywords: Mapping[str, str], defects: Defects) -> Requirements:
    """Find out how the message goes to a hop with these keywords, and for whom it cannot."""
    needs = _of_body(mail, keywords, defects)
    everybody = range(len(mail.recipients))
    if needs is None:
        kind = "binary" if mail.is_binary else "8-bit"
        keyword = "BINARYMIME" if mail.is_binary else "8BITMIME"
        answer = Reply(554, "5.6.3", (f"the next hop does not take {kind} text (no {keyword})",))
        return Requirements(impossible=dict.fromkeys(everybody, answer))
    if not mail.terms.smtputf8:
        return needs
    by_address = [number for number, one in enumerate(mail.recipients) if not one.mailbox.is_ascii]
    if mail.reverse_path is not None and not mail.reverse_path.is_ascii:
        by_address = list(everybody)
    by_header = everybody if mail.has_utf8_header else range(0)
    if not by_address and not by_header:
        return needs
    if "SMTPUTF8" in keywords or "relay-utf8-to-any-hop" in defects:
        return replace(needs, smtputf8=True)
    return replace(
        needs, impossible=dict.fromkeys(by_header, _UTF8_HEADER) | dict.fromkeys(by_address, _UTF8_ADDRESS)
    )


def _of_body(mail: OutgoingMail, keywords: Mapping[str, str], defects: Defects) -> Requirements | None:
    if mail.is_binary:
        if {"BINARYMIME", "CHUNKING"} <= keywords.keys():
            return Requirements("BINARYMIME")
        return Requirements() if "relay-binary-to-any-hop" in defects else None
    if not mail.is_eight_bit:
        return Requirements()
    if "8BITMIME" in keywords or "relay-8bit-to-any-hop" in defects:
        return Requirements("8BITMIME")
    return None


def too_large(mail: OutgoingMail, keywords: Mapping[str, str]) -> Reply | None:
    """Return the refusal that the hop's SIZE foretells (RFC 1870 §4)."""
    size = keywords.get("SIZE", "")
    if size.isascii() and size.isdigit() and 0 < int(size) < len(mail.octets):
        return Reply(552, "5.3.4", (f"the next hop takes no more than {size} octets",))
    return None


def number_limit(keywords: Mapping[str, str], name: str) -> int | None:
    """Return one of the hop's LIMITS (RFC 9422 §4); what is malformed, or zero, does not count."""
    for word in keywords.get("LIMITS", "").split():
        found = _LIMIT.fullmatch(word)
        if found is not None and found[1].upper() == name and int(found[2]):
            return int(found[2])
    return None


def mail_command(
    mail: OutgoingMail, keywords: Mapping[str, str], needs: Requirements, defects: Defects
) -> bytes:
    """Write MAIL, with the parameters that the hop knows and the message needs."""
    words = [f"MAIL FROM:<{'' if mail.reverse_path is None else mail.reverse_path}>"]
    if "SIZE" in keywords:
        words.append(f"SIZE={len(mail.octets)}")
    if needs.body is not None:
        words.append(f"BODY={needs.body}")
    if needs.smtputf8:
        words.append("SMTPUTF8")
    # RFC 3461 §5.2.1 (a), (b): as they came, and only if they came; §5.2.2 (a): never where DSN is missing.
    if ("DSN" in keywords and "relay-dsn-not-passed-on" not in defects) or "relay-dsn-to-any-hop" in defects:
        if mail.terms.ret is not None:
            words.append(f"RET={mail.terms.ret}")
        if mail.terms.envid is not None:
            words.append(f"ENVID={write_envid(mail.terms.envid)}")
    return " ".join(words).encode("utf-8")


def rcpt_command(one: Addressee, keywords: Mapping[str, str], needs: Requirements, defects: Defects) -> bytes:
    """Write RCPT."""
    path = str(one.mailbox)
    if "relay-local-part-lowered" in defects:
        path = path.lower()
    words = [f"RCPT TO:<{path}>"]
    # RFC 3461 §5.2.1 (c), (d).
    if ("DSN" in keywords and "relay-dsn-not-passed-on" not in defects) or "relay-dsn-to-any-hop" in defects:
        if one.notify is not None:
            words.append(f"NOTIFY={write_notify(one.notify)}")
        if one.orcpt is not None:
            words.append(f"ORCPT={write_orcpt(one.orcpt, smtputf8=needs.smtputf8)}")
    return " ".join(words).encode("utf-8")
