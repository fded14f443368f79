"""How far down the levels a run judges: what the text demands, what it advises, what it leaves free."""

from enum import StrEnum

from harness.vocabulary.judging import Level

_DEMANDED = frozenset({Level.MUST, Level.MUST_NOT, Level.PROSE, Level.HAZARD})
_ADVISED = frozenset({Level.SHOULD, Level.SHOULD_NOT})


class Bar(StrEnum):
    """The lowest level that is judged (`--level`)."""

    MUST = "must"
    """Duties, also those stated in prose, and hazards."""
    SHOULD = "should"
    """Advice too."""
    MAY = "may"
    """All, also what the text leaves free."""

    def judges(self, level: Level) -> bool:
        """Say whether checks of this level are run."""
        match self:
            case Bar.MUST:
                return level in _DEMANDED
            case Bar.SHOULD:
                return level in _DEMANDED | _ADVISED
            case Bar.MAY:
                return True

    @property
    def leaves_out(self) -> str:
        """The levels that are not judged, in words."""
        match self:
            case Bar.MUST:
                return "SHOULD, SHOULD NOT and MAY"
            case Bar.SHOULD:
                return "MAY"
            case Bar.MAY:
                return "none"
