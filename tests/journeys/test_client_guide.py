"""clients/python/README.md, run as it stands: a shop that tells its customers of orders and of a sale."""

import contextlib
import io
import json
import time

import pytest
from message_center_client import Client, noun

from accounts.roles import Role
from channels import accounts as channel_accounts
from stack import ROOT
from tests import factories
from tests.guides import blocks_of
from tests.live import SENDING
from webhooks import description, signing

pytestmark = pytest.mark.live

PEOPLE = (Role.MODERATOR, Role.ADMIN)
BLOCKS = blocks_of((ROOT / "clients" / "python" / "README.md").read_text(), "python")


def test_every_block_of_the_readme_works_and_says_what_it_shows(live, workspace, tmp_path, monkeypatch):
    factories.sender(workspace)
    given = {"MESSAGE_CENTER_URL": live.url, "MESSAGE_CENTER_KEY": factories.api_key(workspace)[1]}
    given |= {f"{role.name}_TOKEN": factories.token(workspace, factories.member(workspace, role)) for role in PEOPLE}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(noun, "LONGEST", 0.5)  # somebody waits
    names: dict[str, object] = {}
    with live.carrier() as carrier, closed(names):
        channel_accounts.save(carrier.channel.name, by=None, is_default=True)  # the guide names none
        live.start("web", "worker", *SENDING)
        for block in BLOCKS:
            said = run(block.code, names)
            assert block.agrees(said), f"{block.code}\nsaid:\n{said}\nand not:\n{block.answer}"
    assert receive(names, "messages.settled") == (204, "7-0 delivered\n7-1 failed\n")
    assert receive(names, "messages.settled") == (204, "")  # it has been seen
    assert receive(names, "campaign.done") == (204, "Spring sale is done\n")
    assert receive(names, "export.failed") == (204, "")
    assert receive(names, "webhook.test", secret=signing.new_secret()) == (400, "")


@contextlib.contextmanager
def closed(names):
    try:
        yield
    finally:
        for client in names.values():
            if isinstance(client, Client):
                client.close()


def run(code, names):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(code, "README.md", "exec"), names)
    return said.getvalue()


def receive(names, event, *, secret=""):
    """What the receiver of the guide answers and says, when the platform posts it that."""
    body = json.dumps(description.example_of(event)).encode()
    headers = signing.headers([secret or names["secret"]], webhook_id=event, timestamp=int(time.time()), body=body)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        return names["receive"](body, headers), said.getvalue()
