"""The commands of `mailproof`, one file each: `add_parser(subparsers)` says what, `run(arguments)` does it."""
