"""Waivers of a target file against the catalogue: one for what does not exist would never be missed."""

from harness.catalogue import Catalogue
from harness.targets.file import TargetFile
from harness.vocabulary.errors import TargetFileError


def verify_waivers(file: TargetFile, catalogue: Catalogue) -> None:
    """Raise `TargetFileError` for the first waiver whose requirement is not in the catalogue."""
    for waiver in (*file.waivers, *file.expired_waivers):
        if catalogue.find(waiver.requirement) is None:
            similar = catalogue.similar(waiver.requirement)
            mend = (
                f"did you mean {' or '.join(similar)}?" if similar else "mailproof check --list shows all ids"
            )
            message = f'{file.path}: waiver: there is no requirement "{waiver.requirement}"; {mend}'
            raise TargetFileError(message)
