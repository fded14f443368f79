"""The commands of `mailproof`, one file each: `add_parser(subparsers)` and `run(arguments)`."""
