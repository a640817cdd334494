from urllib.parse import urlsplit

from stack import environment
from stack.environment import Ports
from stack.run import addresses

LISTEN = Ports(web=8000, flower=5555, smsc=2775)


def test_pages_have_a_name_for_which_browsers_make_passkeys(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    assert environment.build(tmp_path, urls={}, listen=LISTEN)["PUBLIC_URL"] == "http://localhost:8000"


def test_a_name_of_ones_own_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://sms.acme.example")
    assert environment.build(tmp_path, urls={}, listen=LISTEN)["PUBLIC_URL"] == "https://sms.acme.example"


def test_pages_and_flower_are_said_to_be_on_the_same_host(tmp_path, monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    said = addresses(environment.build(tmp_path, urls={}, listen=LISTEN))
    assert {urlsplit(line.split()[1]).hostname for line in said} == {"localhost"}
    assert [urlsplit(line.split()[1]).port for line in said] == [8000, 8000, 8000, 5555]
