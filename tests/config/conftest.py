"""What the walks of all pages and calls share."""

import pytest

from config import errors


@pytest.fixture
def unpainted(monkeypatch):
    """Pages of errors without their looks, for walks that read the status alone: most of what these are answered."""
    monkeypatch.setattr(errors, "render_to_string", lambda *given: "")
