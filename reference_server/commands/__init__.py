"""What `python -m reference_server WORD ...` does besides serving; `mailproof WORD` calls it so.

One word is one module with `main(words) -> int`. It asks the server that runs on the data directory, by the
control socket, and does the work itself where none is running.
"""

from typing import Final

COMMANDS: Final = ("account", "queue")
"""The words, each the name of its module; only the one that is asked for is imported."""
