"""`nox -s catalogue -- [--texts DIR] RFC...`: the catalogue beside the texts of the RFCs."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.catalogue.extraction import decisions, views
from harness.catalogue.extraction.rfc import RfcAtWork, at_work
from harness.catalogue.loader import DIRECTORY, load_index
from harness.catalogue.requirements import Rfc
from harness.vocabulary.errors import MailproofError, UsageError

_TEXTS = "MAILPROOF_RFC_TEXTS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 1 where something is left to do, 2 on a mistake."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except MailproofError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="catalogue", description=__doc__)
    parser.add_argument(
        "rfcs", nargs="*", metavar="RFC", help="rfc5321 or 5321; default: all that the index has"
    )
    parser.add_argument(
        "--texts",
        type=Path,
        default=os.environ.get(_TEXTS),
        metavar="DIR",
        help=f"where rfcNNNN.txt are (or the variable {_TEXTS})",
    )
    parser.add_argument(
        "--catalogue", type=Path, default=DIRECTORY, metavar="DIR", help="default: that of this project"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--worksheet", type=Path, metavar="FILE", help="write the undecided sentences, with guesses, as rows"
    )
    what.add_argument("--apply", type=Path, metavar="FILE", help="carry out a file of decisions, all or none")
    what.add_argument(
        "--assign", action="store_true", help="propose sentences for entries that have no digest, as rows"
    )
    what.add_argument("--show", action="store_true", help="print the text and the entries side by side")
    what.add_argument("--check", action="store_true", help="print what is left to decide or to mend")
    parser.add_argument("--section", metavar="N", help="with --show: this section and those below it")
    parser.add_argument(
        "--all", action="store_true", help="with --worksheet: sentences without key word, too"
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.texts is None:
        message = f"where are the texts? --texts DIR, or the variable {_TEXTS}"
        raise UsageError(message)
    index = {rfc.number: rfc for rfc in load_index(options.catalogue)}
    works = [at_work(rfc, options.texts, options.catalogue) for rfc in _named(options.rfcs, index)]
    if options.worksheet is not None:
        lines = "\n".join(views.worksheet(_one(works), everything=options.all))
        options.worksheet.write_text(f"{lines}\n", "utf-8")
    elif options.apply is not None:
        _apply(options.apply, _one(works))
    elif options.assign:
        _print(line for work in works for line in views.assignment(work))
    elif options.show:
        _print(line for work in works for line in views.side_by_side(work, options.section))
    elif options.check:
        left = [line for work in works for line in views.left(work)]
        _print(left)
        return 1 if left else 0
    else:
        for work in works:
            _extend(work)
    return 0


def _apply(path: Path, work: RfcAtWork) -> None:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UsageError(message) from None
    _print(decisions.apply(decisions.read_rows(text), work))
    work.write()
    undecided, unreviewed = len(work.undecided()), len(work.unreviewed())
    print(f"{work.rfc.folder}: {undecided} sentences undecided, {unreviewed} entries unreviewed")


def _extend(work: RfcAtWork) -> None:
    """Make an entry of each sentence that has none, for a reviewer to find."""
    undecided = work.undecided()
    for sentence in undecided:
        work.add(work.key_for(sentence), sentence)
    work.write()
    unreviewed = len(work.unreviewed())
    print(f"{work.rfc.folder}: {len(undecided)} entries added, {unreviewed} unreviewed")


def _named(names: Sequence[str], index: dict[int, Rfc]) -> list[Rfc]:
    if not names:
        return list(index.values())
    found = []
    for name in names:
        digits = name.lower().removeprefix("rfc").removesuffix(".txt")
        if not digits.isdigit() or int(digits) not in index:
            message = f"{name}: the index (harness/catalogue/index.toml) has no such RFC"
            raise UsageError(message)
        found.append(index[int(digits)])
    return found


def _one(works: list[RfcAtWork]) -> RfcAtWork:
    if len(works) != 1:
        message = "one RFC at a time"
        raise UsageError(message)
    return works[0]


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
