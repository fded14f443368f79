r"""Every fault of IMAP, driven by a dialogue with a server that is played from a script.

`imap_faults.txt` has them: `= NAME [PREAMBLE]`, then what the client says (`C`) and the server says (`S`),
each followed by what thereupon arrives at the server (`>`) and at the client (`<`). Lines end in CRLF, which
`¶` stands for within a line and which a final `|` takes away; `␊` is a bare LF, `x^9` nine times an x, and
`T` the start of TLS.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.peers.faults import fault_factory
from harness.transport.interpose import Interposer, Spoken, ToClient, ToServer
from harness.vocabulary.faults import PROXY_FAULTS

DIALOGUES = Path(__file__).with_name("imap_faults.txt")
LOGIN = (("C", b"p1 LOGIN joe secret\r\n"), ("S", b"p1 OK in\r\n"))


def opened(verb: str, count: str) -> tuple[tuple[str, bytes], ...]:
    """A login and a mailbox with so many messages."""
    mode = "READ-ONLY" if verb == "EXAMINE" else "READ-WRITE"
    said = f"* {count} EXISTS\r\np2 OK [{mode}] open\r\n"
    return (*LOGIN, ("C", f"p2 {verb} box\r\n".encode()), ("S", said.encode()))


@dataclass
class Step:
    side: str
    said: bytes
    to_server: bytes = b""
    to_client: bytes = b""

    @property
    def passes(self) -> bool:
        """Whether what is said arrives as it is, and nothing else does."""
        there, back = (self.said, b"") if self.side == "C" else (b"", self.said)
        return (self.to_server, self.to_client) == (there, back)


@dataclass
class Dialogue:
    name: str
    preamble: list[str]
    steps: list[Step] = field(default_factory=list)


def octets(text: str) -> bytes:
    text = text[:-1] if text.endswith("|") else text + "¶"
    text = re.sub(r"(.)\^([0-9]+)", lambda found: found.group(1) * int(found.group(2)), text)
    return text.replace("¶", "\r\n").replace("␊", "\n").encode("latin-1")


def dialogues() -> Iterator[Dialogue]:
    dialogue = Dialogue("", [])
    for line in DIALOGUES.read_text(encoding="utf-8").splitlines():
        kind, _, text = line.partition(" ")
        match kind:
            case "=":
                if dialogue.name:
                    yield dialogue
                name, *preamble = text.split()
                dialogue = Dialogue(name, preamble)
            case "C" | "S":
                dialogue.steps.append(Step(kind, octets(text)))
            case "T":
                dialogue.steps.append(Step(kind, b""))
            case ">":
                dialogue.steps[-1].to_server += octets(text)
            case "<":
                dialogue.steps[-1].to_client += octets(text)
            case _:
                raise ValueError(line)
    yield dialogue


ALL = list(dialogues())


def take(interposer: Interposer, side: str, said: bytes) -> tuple[bytes, bytes]:
    """What arrives at the server and at the client when a side says something."""
    if side == "T":
        interposer.tls_started()
        return b"", b""
    actions = list(interposer.from_client(said) if side == "C" else interposer.from_server(said))
    assert all(isinstance(action, ToServer | ToClient) for action in actions)
    return (
        b"".join(action.octets for action in actions if isinstance(action, ToServer)),
        b"".join(action.octets for action in actions if isinstance(action, ToClient)),
    )


def begun(dialogue: Dialogue) -> Interposer:
    """A connection with the fault in it, after the preamble."""
    factory = fault_factory(dialogue.name)
    interposer = factory.open(Spoken.IMAP)
    before: tuple[tuple[str, bytes], ...] = ()
    match dialogue.preamble:
        case ["again", *rest]:
            interposer, dialogue = factory.open(Spoken.IMAP), Dialogue(dialogue.name, rest)
    match dialogue.preamble:
        case ["login"]:
            before = LOGIN
        case ["box", count]:
            before = opened("SELECT", count)
        case ["examine", count]:
            before = opened("EXAMINE", count)
    assert interposer is not None
    for side, said in before:
        take(interposer, side, said)
    return interposer


@pytest.mark.parametrize("dialogue", ALL, ids=lambda dialogue: dialogue.name)
def test_a_fault_does_what_it_says(dialogue: Dialogue) -> None:
    interposer = begun(dialogue)
    for step in dialogue.steps:
        assert take(interposer, step.side, step.said) == (step.to_server, step.to_client), step
    assert not all(step.passes for step in dialogue.steps), "nothing goes wrong"


ABOUT_SEGMENTS = {"imap-segment-is-command", "imap-pipelined-swapped"}
CUTTABLE = [dialogue for dialogue in ALL if dialogue.name not in ABOUT_SEGMENTS]


@pytest.mark.parametrize("dialogue", CUTTABLE, ids=lambda dialogue: dialogue.name)
def test_a_fault_does_the_same_however_its_octets_are_cut(dialogue: Dialogue) -> None:
    interposer = begun(dialogue)
    for step in dialogue.steps:
        pieces = [step.said[place : place + 1] for place in range(len(step.said))] or [b""]
        taken = [take(interposer, step.side, piece) for piece in pieces]
        there, back = (b"".join(part) for part in zip(*taken, strict=True))
        assert (there, back) == (step.to_server, step.to_client), step


def test_every_fault_has_its_dialogue() -> None:
    assert sorted(dialogue.name for dialogue in ALL) == sorted(
        name for name in PROXY_FAULTS if name.startswith("imap-")
    )


@pytest.mark.parametrize("spoken", [Spoken.SMTP, Spoken.POP3, Spoken.LMTP])
def test_it_has_to_do_with_imap_only(spoken: Spoken) -> None:
    assert fault_factory("imap-tag-case").open(spoken) is None


LINES = {
    side: [step.said for dialogue in ALL for step in dialogue.steps if step.side == side] for side in "CS"
}
PIECES = {
    "C": [
        b"DELETE",
        b"RENAME x",
        b"COPY",
        b"UID",
        b"UID FETCH",
        b"STATUS",
        b"SEARCH OR",
        b"SORT",
        b"DONE",
        b"*",
    ],
    "S": [
        b"FETCH",
        b"1 FETCH (FLAGS",
        b"STATUS",
        b"LIST",
        b"OK [UIDNEXT]",
        b"OK [COPYUID 1]",
        b"0 EXPUNGE",
        b"ID",
    ],
}


@st.composite
def said(draw: st.DrawFn) -> tuple[str, bytes]:
    """What is nearly IMAP, and answers to what a fault may have asked."""
    side = draw(st.sampled_from("CS"))
    shape = draw(st.sampled_from(["line", "piece", "mangled", "completion", "octets"]))
    line = draw(st.sampled_from(LINES[side]))
    match shape:
        case "line":
            return side, line
        case "piece":
            return side, (b"a " if side == "C" else b"* ") + draw(st.sampled_from(PIECES[side])) + b"\r\n"
        case "mangled":
            place = draw(st.integers(0, len(line)))
            return side, line[:place] + draw(st.binary(max_size=3)) + line[place + draw(st.integers(0, 3)) :]
        case "completion":
            tag = draw(st.sampled_from(["a", "b", *(f"zZproxy{number}" for number in range(1, 6))]))
            return "S", f"{tag} {draw(st.sampled_from(['OK', 'NO', 'BAD']))} done\r\n".encode()
    return side, draw(st.binary(max_size=20))


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(ALL), st.lists(said(), max_size=25))
def test_no_fault_chokes_on_what_it_does_not_expect(
    dialogue: Dialogue, chunks: list[tuple[str, bytes]]
) -> None:
    interposer = begun(dialogue)
    for side, octets in chunks:
        take(interposer, side, octets)
    take(interposer, "S", b"")
    take(interposer, "C", b"")
