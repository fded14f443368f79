"""Third-party mail servers as mailproof configures them, each in a directory: `python -m harness.lab`."""
