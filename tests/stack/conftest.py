"""A data folder that the user who runs PostgreSQL for root can enter, as pytest's own cannot be."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack import stores


@contextmanager
def open_folder():
    with tempfile.TemporaryDirectory(prefix="message-center-stack-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def data():
    with open_folder() as folder:
        yield folder


@pytest.fixture(autouse=True)
def no_urls(monkeypatch):
    for name in stores.URLS:
        monkeypatch.delenv(name, raising=False)
