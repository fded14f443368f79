"""The word, the sign and the tone of a verdict: a colour alone never says anything."""

from dataclasses import dataclass

from harness.conformance.evidence import CheckResult, Teeth
from harness.vocabulary.judging import Outcome


@dataclass(frozen=True, slots=True)
class Word:
    """How a verdict is written."""

    text: str
    sign: str
    """One character that tells it from others without colour."""
    tone: str
    """The name of its colour in the stylesheet: good, bad, warn, fact, mute, held."""
    plural: str = ""
    """What several of them are called in a sentence: `violations`."""

    @property
    def key(self) -> str:
        """The word as a filter and a class are named."""
        return self.text.lower().replace(" ", "-")

    def counted(self, count: int) -> str:
        """Return `1 violation`, `3 violations`."""
        return f"{count} {self.plural.removesuffix('s') if count == 1 else self.plural}"


OUTCOMES: dict[Outcome, Word] = {
    Outcome.VIOLATES: Word("violates", "✗", "bad", "violations"),
    Outcome.EXPLOITABLE: Word("exploitable", "‼", "bad", "exploitable hazards"),
    Outcome.DEVIATES: Word("deviates", "△", "warn", "deviations"),
    Outcome.ERROR: Word("error", "!", "bad", "errors of mailproof itself"),
    Outcome.INCONCLUSIVE: Word("inconclusive", "?", "warn", "inconclusive checks"),
    Outcome.WAIVED: Word("waived", "≈", "held", "waived findings"),
    Outcome.OBSERVED: Word("observed", "◦", "fact", "observations"),
    Outcome.UNSUPPORTED: Word("unsupported", "-", "mute", "unsupported checks"),
    Outcome.NOT_EXPLOITABLE: Word("not-exploitable", "✓", "good", "hazards not exploitable"),
    Outcome.CONFORMS: Word("conforms", "✓", "good", "conforming checks"),
}
"""In the order in which a reader wants to know of them."""

TEETH: dict[Teeth, Word] = {
    Teeth.TOOTHLESS: Word("TOOTHLESS", "✗", "bad", "toothless checks"),
    Teeth.UNPROVEN: Word("unproven", "?", "warn", "unproven checks"),
    Teeth.REFUTED: Word("refuted", "✓", "good", "refuted checks"),
}

BEGUN = Word("broken off", "?", "warn", "checks broken off")
"""The check had begun when the run was killed."""
NOT_RUN = Word("not run", "·", "mute", "checks not run")
"""The check was planned, and the run ended before it."""

WORDS: tuple[Word, ...] = (*TEETH.values(), *OUTCOMES.values(), BEGUN, NOT_RUN)
"""All words in the order in which a reader wants to know of them."""

GRAVE: frozenset[Word] = frozenset(
    {
        TEETH[Teeth.TOOTHLESS],
        *(OUTCOMES[one] for one in (Outcome.VIOLATES, Outcome.EXPLOITABLE, Outcome.DEVIATES, Outcome.ERROR)),
    }
)
"""What is shown before everything else."""


def word_of(result: CheckResult) -> Word:
    """Return the word for a result; under `--refute` it is about the check, not about the server."""
    return OUTCOMES[result.outcome] if result.teeth is None else TEETH[result.teeth]
