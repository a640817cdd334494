"""The embedded default: real PostgreSQL and Valkey from wheels, and the one command that runs everything."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
