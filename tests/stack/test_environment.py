from stack import environment
from stack.environment import Ports

LISTEN = Ports(web=8000, flower=5555, smsc=2775)


def test_pages_have_a_name_for_which_browsers_make_passkeys(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert environment.build(tmp_path, urls={}, listen=LISTEN)["PUBLIC_URL"] == "http://localhost:8000"


def test_a_name_of_ones_own_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://sms.acme.example")
    assert environment.build(tmp_path, urls={}, listen=LISTEN)["PUBLIC_URL"] == "https://sms.acme.example"
