"""What an attacker sends; a check that uses these needs `Need.HOSTILE`."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

END_OF_DATA_LOOKALIKES = (
    b"\n.\n",
    b"\n.\r",
    b"\r.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\r\n",
)
"""What is not CRLF.CRLF, but has been taken for it: SMTP smuggling (CVE-2023-51764 and its kin)."""


def end_of_data_lookalikes() -> SearchStrategy[bytes]:
    """One of `END_OF_DATA_LOOKALIKES`."""
    return st.sampled_from(END_OF_DATA_LOOKALIKES)


def control_octets() -> SearchStrategy[bytes]:
    """One octet that no command line may contain: CTL other than CR and LF, DEL, or one beyond ASCII."""
    return st.sampled_from([bytes((octet,)) for octet in (*range(9), 11, 12, *range(14, 32), 127, 128, 255)])


def binary_lines(*, max_octets: int = 200) -> SearchStrategy[bytes]:
    """Any octets, ended by CRLF."""
    return st.binary(max_size=max_octets).map(lambda octets: octets + b"\r\n")


def long_lines(*, min_octets: int = 1001, max_octets: int = 65536) -> SearchStrategy[bytes]:
    """A line of one letter, longer than any limit of the RFCs, with its CRLF."""
    sizes = st.sampled_from([min_octets, 4096, 8193, 16385, max_octets]).filter(
        lambda size: min_octets <= size <= max_octets
    )
    return sizes.map(lambda size: b"A" * (size - 2) + b"\r\n")


def tls_client_hellos() -> SearchStrategy[bytes]:
    """The beginning of a TLS handshake, from a client that takes a clear port for TLS (RFC 8446 §4.1.2)."""
    return st.binary(min_size=32, max_size=32).map(
        lambda random: (
            b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + random + b"\x00\x00\x02\x13\x01\x01\x00\x00\x00"
        )
    )


def injected_commands(protocol_commands: tuple[bytes, ...]) -> SearchStrategy[bytes]:
    """An argument with a line break and one of `protocol_commands` behind it."""
    breaks = st.sampled_from([b"\r\n", b"\n", b"\r"])
    return st.builds(lambda end, command: b"x" + end + command, breaks, st.sampled_from(protocol_commands))


def literal_bombs() -> SearchStrategy[bytes]:
    """Announcements of IMAP literals that nobody should hold memory for, without the octets themselves."""
    sizes = st.sampled_from([2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64, 10**30])
    return sizes.map(lambda size: b"{%d}\r\n" % size)


def malformed_numbers() -> SearchStrategy[bytes]:
    """What is not a `nz-number` of 32 bits (RFC 9051 §9)."""
    return st.sampled_from(
        [b"0", b"-1", b"4294967296", b"99999999999999999999", b"1.5", b"0x1", b"one", b"+1"]
    )


def nested_parentheses(*, depth: int = 2000) -> SearchStrategy[bytes]:
    """Lists within lists, as deep as a recursive parser cannot go."""
    return st.integers(100, depth).map(lambda levels: b"(" * levels + b"ALL" + b")" * levels)


def broken_utf7_names() -> SearchStrategy[bytes]:
    """Mailbox names that modified UTF-7 forbids (RFC 3501 §5.1.3), as atoms."""
    return st.sampled_from(
        [b"&", b"&A", b"&AA-", b"&AGE-", b"&Jjo", b"&Jjo!", b"&2AA-", b"&3AA-", b"&U,BTFw-&ZeVnLIqe-"]
    )
