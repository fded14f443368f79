"""Runs the benchmarks named on the command line, or all of them, and prints a table."""

import argparse
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from bench import collecting, memory, pages, readers, reading, sending
from bench.figures import Figure

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "readers": readers.figures,
    "smtp": sending.figures,
    "imap": reading.figures,
    "memory": memory.figures,
    "collecting": collecting.figures,
    "pages": pages.figures,
}


def main() -> None:
    """Measure, and print as it comes."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the parts of mailproof.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" | ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    console = Console()
    for name in names:
        table = Table("work", "figure", "unit", "conditions", title=name)
        with console.status(f"measuring {name}"):
            for figure in BENCHMARKS[name]():
                table.add_row(figure.work, f"{figure.value:,.1f}", figure.unit, figure.conditions)
        console.print(table)


if __name__ == "__main__":
    main()
