"""The numbers we promise, each a command: `python -m bench <name> --json`."""
