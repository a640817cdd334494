import pytest

from delivery.links import link as link_module
from tests.delivery import wire


@pytest.fixture
def brisk(monkeypatch, settings):
    """Timers of a carrier in a hurry."""
    settings.RESPONSE_TIMEOUT = 0.5
    monkeypatch.setattr(
        link_module,
        "RECONNECT",
        link_module.BindAction(outcome=link_module.BindOutcome.BACKOFF, first=0.05, longest=0.1),
    )
    monkeypatch.setattr(wire, "IDLE", 0.3)
    monkeypatch.setattr(link_module, "ENQUIRE_TIMEOUT", 0.3)
    monkeypatch.setattr(link_module, "UNBIND_TIMEOUT", 0.2)
