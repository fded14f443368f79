"""Dialogues as data for the page's script, cut so that all of them together have a bounded size.

A page is read in a browser, on a telephone too; what is cut here is whole in the record of the run.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.conformance.evidence import Dialogue, Evidence, Turn

MOST_OCTETS = 48_000
"""The evidence of one check, however few there are: more than this nobody reads in a browser."""
_PER_TURN = 22
"""What JSON needs around the octets of a turn."""


@dataclass(frozen=True, slots=True)
class Heavy:
    """The part of the evidence that is shown only when a reader opens the check."""

    input: tuple[str, ...]
    dialogues: tuple[Dialogue, ...]
    traceback: str

    @property
    def weight(self) -> int:
        """Its size on the page in octets, near enough."""
        lines = sum(map(written, self.input)) + written(self.traceback)
        return lines + sum(map(weight_of, self.dialogues))


def heavy_part(evidence: Evidence) -> Heavy | None:
    """Return what of the evidence is shown on demand; None if there is nothing of it."""
    if not (evidence.input or evidence.dialogues or evidence.traceback):
        return None
    return Heavy(evidence.input, evidence.dialogues, evidence.traceback)


def written(text: str) -> int:
    """Return how long a text is as `json_in_html` writes it."""
    return len(json.dumps(text)) - 2 + 5 * sum(map(text.count, "<>&"))


def weight_of(dialogue: Dialogue) -> int:
    """Return the size of a dialogue on the page: its turns, or its text where there are none."""
    if not dialogue.turns:
        return written(dialogue.text)
    return sum(_PER_TURN + written(turn.octets.decode("latin-1")) for turn in dialogue.turns)


def fair_share(weights: Iterable[int], budget: int) -> int:
    """Return the most that each may weigh so that all fit: small ones stay whole, the big ones pay."""
    ordered = sorted(weights)
    left = budget
    for place, weight in enumerate(ordered):
        share = left // (len(ordered) - place)
        if weight > share:
            return min(share, MOST_OCTETS)
        left -= weight
    return MOST_OCTETS


def heavy_to_json(heavy: Heavy, most: int) -> dict[str, object]:
    """Return the heavy part for the script, within `most` octets."""
    inputs, left = _cut_lines(heavy.input, most // 4)
    traceback = heavy.traceback if written(heavy.traceback) <= most // 2 else heavy.traceback[-most // 12 :]
    room = most - sum(map(written, inputs)) - written(traceback)
    data: dict[str, object] = {}
    if inputs:
        data["input"] = inputs
    if left:
        data["inputCut"] = left
    if traceback:
        data["traceback"] = traceback
        data["tracebackCut"] = len(heavy.traceback) - len(traceback)
    if heavy.dialogues:
        share = fair_share(map(weight_of, heavy.dialogues), max(room, 0))
        told = [one for one in heavy.dialogues if not one.aside]
        data["dialogues"] = [
            _dialogue(one, share) | ({"aside": True} if one.aside and told else {}) for one in heavy.dialogues
        ]
    return data


def _cut_lines(lines: Sequence[str], most: int) -> tuple[list[str], int]:
    """Return the lines, long ones cut, and how many characters went."""
    share = fair_share(map(written, lines), most)
    kept = [line if written(line) <= share else line[: share // 6] for line in lines]
    return kept, sum(map(len, lines)) - sum(map(len, kept))


def _dialogue(dialogue: Dialogue, most: int) -> dict[str, object]:
    if dialogue.turns:
        head, tail, cut = _cut_turns(dialogue.turns, most)
        turns = [[turn.mark, turn.octets.decode("latin-1"), round(turn.at_s, 6)] for turn in (*head, *tail)]
        data: dict[str, object] = {"peer": dialogue.peer, "turns": turns}
        if cut:
            data |= {"cut": cut, "cutAt": len(head)}
        return data
    lines = dialogue.text.split("\n")
    if written(dialogue.text) <= most:
        return {"peer": dialogue.peer, "lines": lines}
    first = _fitting([written(line) + 4 for line in lines], most // 4)
    last = _fitting([written(line) + 4 for line in reversed(lines[first:])], most - most // 4)
    kept = [*lines[:first], *lines[len(lines) - last :]]
    return {"peer": dialogue.peer, "lines": kept, "cutLines": len(lines) - len(kept), "cutAt": first}


def _cut_turns(turns: Sequence[Turn], most: int) -> tuple[list[Turn], list[Turn], int]:
    """Return the first and the last turns, and how many octets between them are left out.

    A finding is about what came last, so the end gets three quarters of the room.
    """
    weights = [_PER_TURN + written(turn.octets.decode("latin-1")) for turn in turns]
    if sum(weights) <= most:
        return list(turns), [], 0
    first = _fitting(weights, most // 4)
    last = _fitting(weights[first:][::-1], most - most // 4)
    head, tail = list(turns[:first]), list(turns[len(turns) - last :])
    middle = turns[first : len(turns) - last]
    cut = sum(len(turn.octets) for turn in middle)
    if middle and not tail:  # the last turn alone is too big: its end is kept
        turn = middle[-1]
        end = turn.octets[len(turn.octets) - max(most // 8, 1) :]
        tail = [Turn(turn.mark, end, turn.at_s)]
        cut -= len(end)
    return head, tail, cut


def _fitting(weights: Sequence[int], most: int) -> int:
    """Return how many of the first fit."""
    total = 0
    for count, weight in enumerate(weights):
        total += weight
        if total > most:
            return count
    return len(weights)
