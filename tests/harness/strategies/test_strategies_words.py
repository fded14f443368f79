"""What the strategies for addresses, commands and hostile input promise."""

import re

from hypothesis import given

from harness.strategies import addresses, commands, hostile

DOT_STRING = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
QUOTED_STRING = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])+"')
DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
LITERAL = re.compile(r"\[(?:\d+\.\d+\.\d+\.\d+|IPv6:[0-9a-f:]+)\]")


def is_mailbox(address: str) -> bool:
    local, _, domain = address.rpartition("@")
    return bool(
        (DOT_STRING.fullmatch(local) or QUOTED_STRING.fullmatch(local))
        and (DOMAIN.fullmatch(domain) or LITERAL.fullmatch(domain))
        and len(local) <= addresses.LOCAL_PART_OCTETS
    )


@given(address=addresses.mailboxes() | addresses.simple_mailboxes())
def test_mailboxes(address: str) -> None:
    assert is_mailbox(address)


@given(path=addresses.reverse_paths())
def test_reverse_paths(path: str) -> None:
    assert path == "" or is_mailbox(path)


@given(local=addresses.longest_local_parts())
def test_longest_local_parts(local: str) -> None:
    assert len(local) == addresses.LOCAL_PART_OCTETS


@given(address=addresses.malformed_mailboxes())
def test_malformed_mailboxes(address: str) -> None:
    assert not is_mailbox(address) or re.search(r"\[300|:::", address)


@given(detail=addresses.details())
def test_details(detail: str) -> None:
    assert DOT_STRING.fullmatch("user+" + detail)


@given(variant=addresses.case_variants("Postmaster"))
def test_case_variants_of_text(variant: str) -> None:
    assert variant.lower() == "postmaster"


@given(variant=commands.case_variants(b"EHLO"))
def test_case_variants(variant: bytes) -> None:
    assert variant.upper() == b"EHLO"


@given(tag=commands.tags())
def test_tags(tag: bytes) -> None:
    assert re.fullmatch(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+', tag)


@given(verb=commands.unknown_verbs(), argument=commands.arguments(), spaces=commands.trailing_spaces())
def test_words_are_printable(verb: bytes, argument: bytes, spaces: bytes) -> None:
    assert verb.isalpha()
    assert re.fullmatch(rb"[!-~]+", argument)
    assert not spaces.strip()


@given(line=hostile.binary_lines() | hostile.long_lines() | hostile.literal_bombs())
def test_hostile_lines_end(line: bytes) -> None:
    assert line.endswith(b"\r\n")


@given(lookalike=hostile.end_of_data_lookalikes())
def test_lookalikes_are_not_the_end(lookalike: bytes) -> None:
    assert b"\r\n.\r\n" not in b"text" + lookalike + b"text"


@given(octet=hostile.control_octets())
def test_control_octets(octet: bytes) -> None:
    assert octet not in b"\r\n\t"
    assert not 32 <= octet[0] < 127


@given(hello=hostile.tls_client_hellos())
def test_client_hellos_are_as_long_as_they_say(hello: bytes) -> None:
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5
    assert int.from_bytes(hello[6:9], "big") == len(hello) - 9


@given(argument=hostile.injected_commands((b"RSET", b"QUIT")))
def test_injected_commands(argument: bytes) -> None:
    assert re.fullmatch(rb"x[\r\n]+(RSET|QUIT)", argument)


@given(number=hostile.malformed_numbers())
def test_malformed_numbers(number: bytes) -> None:
    assert not (number.isdigit() and 0 < int(number) < 2**32)


@given(key=hostile.nested_parentheses())
def test_nested_parentheses_close(key: bytes) -> None:
    assert key.count(b"(") == key.count(b")") >= 100
