import pytest

from audit.models import Entry
from channels.models import Channel
from tests import factories
from tests.pages import signed_in, text_of

SHAPE = {
    **{"name": "carrier", "host": "smsc.example", "port": "2775", "system_id": "acme", "bind_mode": "transceiver"},
    **{"binds": "2", "window": "50", "tps": "100", "is_active": "on"},
}


@pytest.fixture
def page(db):
    return signed_in(factories.user(is_superuser=True, is_staff=True))


def test_a_channel_is_made_with_a_password_that_never_comes_out(page):
    assert page.post("/admin/channels/channel/add/", {**SHAPE, "password": "s3cret"}).status_code == 302
    made = Channel.objects.get(name="carrier")
    assert made.password == "s3cret" and "s3cret" not in made.password_ciphertext
    shown = page.get(f"/admin/channels/channel/{made.pk}/change/").content.decode()
    assert "s3cret" not in shown and made.password_ciphertext not in shown
    assert "s3cret" not in str(Entry.objects.values())


def test_an_empty_password_keeps_the_stored_one(page):
    page.post("/admin/channels/channel/add/", {**SHAPE, "password": "s3cret"})
    made = Channel.objects.get(name="carrier")
    page.post(f"/admin/channels/channel/{made.pk}/change/", {**SHAPE, "tps": "7"})
    made.refresh_from_db()
    assert (made.tps, made.password) == (7, "s3cret")
    assert Entry.objects.get(action="channel.changed").after["tps"] == 7


def test_a_new_default_channel_takes_over_from_the_old_one(page):
    old = factories.channel("old", is_default=True)
    page.post("/admin/channels/channel/add/", {**SHAPE, "make_default": "on"})
    old.refresh_from_db()
    assert not old.is_default and Channel.objects.default().name == "carrier"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"password": "far too long"}, "at most 8"), ({"password": "пароль"}, "ASCII"), ({"window": "0"}, "greater than")],
)
def test_what_smpp_cannot_take_is_refused_on_the_form(page, wrong, message):
    assert message in text_of(page.post("/admin/channels/channel/add/", {**SHAPE, **wrong}))
    assert not Channel.objects.exists()


def test_channels_are_for_the_super_admin(workspace):
    staff = factories.member(workspace, "admin", user=factories.user(is_staff=True))
    assert signed_in(staff).get("/admin/channels/channel/").status_code == 403
