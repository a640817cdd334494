"""Passwords made up once and kept beside the data they open."""

import json
import os
import secrets
from pathlib import Path


class Keyring:
    """A JSON file of mode 0600; a name that is asked for the first time gets a random secret."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def __getitem__(self, name: str) -> str:
        if name not in self._secrets:
            self._secrets[name] = secrets.token_urlsafe(32)
            self._save()
        return self._secrets[name]

    def _save(self) -> None:
        draft = self.path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self._secrets, indent=1))
        os.replace(draft, self.path)
