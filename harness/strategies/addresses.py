"""Addresses as `str`: local parts, domains, address literals, mailboxes (RFC 5321 §4.1.2, §4.1.3)."""

import ipaddress

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# atext           = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "=" / "?" /
#                   "^" / "_" / "`" / "{" / "|" / "}" / "~"                        ; RFC 5322 §3.2.3
ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789"

# qtextSMTP       = %d32-33 / %d35-91 / %d93-126
# quoted-pairSMTP = %d92 %d32-126                                                  ; RFC 5321 §4.1.2
_QTEXT = "".join(chr(code) for code in range(32, 127) if chr(code) not in '"\\')

LOCAL_PART_OCTETS = 64
"""RFC 5321 §4.5.3.1.1."""


def local_parts(*, max_octets: int = 24) -> SearchStrategy[str]:
    """`Dot-string = Atom *("."  Atom)`, with every character that atext has."""
    atoms = st.text(ATEXT, min_size=1, max_size=8)
    return (
        st.lists(atoms, min_size=1, max_size=3).map(".".join).filter(lambda local: len(local) <= max_octets)
    )


def longest_local_parts() -> SearchStrategy[str]:
    """Local parts of exactly 64 octets, which every server must take (RFC 5321 §4.5.3.1.1)."""
    return st.text(PLAIN, min_size=LOCAL_PART_OCTETS, max_size=LOCAL_PART_OCTETS)


def quoted_local_parts() -> SearchStrategy[str]:
    """`Quoted-string`: with spaces, dots, "@" and quoted pairs; never empty."""
    character = st.sampled_from(_QTEXT) | st.sampled_from([r"\"", r"\\", r"\ ", r"\a"])
    return st.lists(character, min_size=1, max_size=10).map(
        lambda characters: '"' + "".join(characters) + '"'
    )


def details(*, separator: str = "+") -> SearchStrategy[str]:
    """The detail of `user+detail`, which may contain what separates it (RFC 5233 §1)."""
    return st.text(PLAIN + separator + "-_=", min_size=1, max_size=10)


def case_variants(text: str) -> SearchStrategy[str]:
    """`text` with the case of each letter chosen anew."""
    return st.tuples(*(st.sampled_from((each.lower(), each.upper())) for each in text)).map("".join)


def domains() -> SearchStrategy[str]:
    """Domain names below `.test`, which nobody owns (RFC 6761 §6.2): `sub-domain *("." sub-domain)`."""
    labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
    return st.lists(labels, min_size=1, max_size=3).map(lambda parts: ".".join([*parts, "test"]))


def address_literals() -> SearchStrategy[str]:
    """`[192.0.2.1]` and `[IPv6:2001:db8::1]`, in the blocks for documentation (RFC 5737, RFC 3849)."""
    ipv4 = st.ip_addresses(v=4, network="192.0.2.0/24").map(lambda address: f"[{address}]")
    ipv6 = st.ip_addresses(v=6, network="2001:db8::/32").map(_ipv6_literal)
    return ipv4 | ipv6


def _ipv6_literal(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"[IPv6:{address}]"


def mailboxes() -> SearchStrategy[str]:
    """`Mailbox = Local-part "@" ( Domain / address-literal )`: addresses of strangers, as a sender has."""
    local = local_parts() | quoted_local_parts()
    return st.tuples(local, domains() | address_literals()).map("@".join)


def simple_mailboxes() -> SearchStrategy[str]:
    """Addresses of strangers without anything unusual."""
    return st.tuples(st.text(PLAIN, min_size=1, max_size=8), domains()).map("@".join)


def reverse_paths() -> SearchStrategy[str]:
    """What may stand between the brackets of MAIL FROM, the null path included."""
    return st.just("") | mailboxes()


def malformed_mailboxes() -> SearchStrategy[str]:
    """What no reading of `Mailbox` allows, in one printable line without brackets."""
    return st.sampled_from(
        [
            "@domain.test",
            "user@",
            "user@@domain.test",
            ".user@domain.test",
            "user.@domain.test",
            "us..er@domain.test",
            "us er@domain.test",
            "us(er@domain.test",
            "us,er@domain.test",
            '"user@domain.test',
            "user@domain..test",
            "user@.domain.test",
            "user@-domain.test",
            "user@[192.0.2.1",
            "user@[300.0.2.1]",
            "user@[IPv6:2001:db8:::1]",
        ]
    )
