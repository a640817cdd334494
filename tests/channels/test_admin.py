import json

import pytest

from audit.models import Entry
from channels.models import Channel, DefaultCoding, LongMessages, Route
from tests import factories
from tests.channels.certificates import Authority
from tests.pages import signed_in, text_of

SHAPE = {
    **{"name": "carrier", "host": "smsc.example", "port": "2775", "system_id": "acme", "bind_mode": "transceiver"},
    **{"binds": "2", "window": "50", "tps": "100", "is_active": "on", "enquire_link_seconds": "20"},
    **{"default_coding": "gsm", "gsm_data_coding": "0", "ucs2_data_coding": "8", "long_messages": "udh8"},
    **{"dest_ton": "1", "dest_npi": "1", "answer_overrides": "{}"},
}
ADD, ADD_ROUTE = "/admin/channels/channel/add/", "/admin/channels/route/add/"


@pytest.fixture
def page(db):
    return signed_in(factories.user(is_superuser=True, is_staff=True))


def test_a_channel_is_made_with_a_password_that_never_comes_out(page):
    assert page.post(ADD, {**SHAPE, "password": "s3cret"}).status_code == 302
    made = Channel.objects.get(name="carrier")
    assert made.password == "s3cret" and "s3cret" not in made.password_ciphertext
    shown = page.get(f"/admin/channels/channel/{made.pk}/change/").content.decode()
    assert "s3cret" not in shown and made.password_ciphertext not in shown
    assert "s3cret" not in str(Entry.objects.values())


def test_an_empty_password_keeps_the_stored_one(page):
    page.post(ADD, {**SHAPE, "password": "s3cret"})
    made = Channel.objects.get(name="carrier")
    page.post(f"/admin/channels/channel/{made.pk}/change/", {**SHAPE, "tps": "7"})
    made.refresh_from_db()
    assert (made.tps, made.password) == (7, "s3cret")
    assert Entry.objects.get(action="channel.changed").after["tps"] == 7


def test_a_new_default_channel_takes_over_from_the_old_one(page):
    old = factories.channel("old", is_default=True)
    page.post(ADD, {**SHAPE, "make_default": "on"})
    old.refresh_from_db()
    assert not old.is_default and Channel.objects.default().name == "carrier"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"password": "far too long"}, "at most 8"),
        ({"password": "пароль"}, "ASCII"),
        ({"window": "0"}, "greater than"),
        ({"ucs2_data_coding": "0"}, "nobody could tell them apart"),
        ({"gsm_data_coding": "256"}, "less than or equal to 255"),
        ({"default_validity_seconds": "59"}, "greater than or equal to 60"),
        ({"service_type": "TOOLONG"}, "at most 5 characters"),
        ({"answer_overrides": '{"0x45": {"action": "resend"}}'}, "0x45: action is one of"),
        ({"answer_overrides": '{"0x45": {"retries": 1}}'}, "0x45: there is no “retries”"),
        ({"answer_overrides": "nonsense"}, "valid JSON"),
        ({"tls_ca": "nonsense"}, "This is not a certificate in PEM"),
        ({"tls_client_certificate": "nonsense"}, "A certificate without its key"),
        ({"tls_client_certificate": "nonsense", "tls_client_key": "nonsense"}, "This is not a certificate in PEM"),
        ({"tls_client_key": "nonsense"}, "A key without its certificate"),
    ],
)
def test_what_smpp_cannot_take_is_refused_on_the_form(page, wrong, message):
    assert message in text_of(page.post(ADD, {**SHAPE, **wrong}))
    assert not Channel.objects.exists()


def test_channels_are_for_the_super_admin(workspace):
    staff = factories.member(workspace, "admin", user=factories.user(is_staff=True))
    assert signed_in(staff).get("/admin/channels/channel/").status_code == 403
    assert signed_in(staff).get("/admin/channels/route/").status_code == 403


def test_what_carriers_differ_in_is_edited_on_the_page(page):
    given = {
        **{"default_coding": "latin1", "gsm_data_coding": "1", "ucs2_data_coding": "24", "long_messages": "payload"},
        **{"service_type": "CMT", "dest_ton": "0", "dest_npi": "0", "plus_sign": "on", "addr_range": "^31"},
        **{"default_validity_seconds": "86400", "accepted_is_delivered": "on", "enquire_link_seconds": "25"},
        **{"response_timeout_seconds": "90", "answer_overrides": json.dumps({"0x45": {"action": "fail"}})},
    }
    assert page.post(ADD, {**SHAPE, **given}).status_code == 302
    made = Channel.objects.get(name="carrier")
    assert (made.default_coding, made.gsm_data_coding, made.ucs2_data_coding) == (DefaultCoding.LATIN1, 1, 24)
    assert (made.long_messages, made.service_type, made.dest_ton, made.dest_npi) == (LongMessages.PAYLOAD, "CMT", 0, 0)
    assert (made.plus_sign, made.addr_range, made.accepted_is_delivered) == (True, "^31", True)
    assert (made.default_validity_seconds, made.enquire_link_seconds) == (86_400, 25)
    assert (made.response_timeout_seconds, made.answer_overrides) == (90, {"0x45": {"action": "fail"}})


def test_an_emptied_field_means_no_overrides(page):
    made = factories.channel("carrier", answer_overrides={"0x45": {"action": "fail"}})
    page.post(f"/admin/channels/channel/{made.pk}/change/", {**SHAPE, "answer_overrides": ""})
    made.refresh_from_db()
    assert (made.tps, made.answer_overrides) == (100, {})


def test_a_client_certificate_goes_in_with_its_key_and_the_key_never_comes_out(page):
    authority = Authority()
    certificate, key = authority.certificate()
    pems = {"tls": "on", "tls_ca": authority.pem, "tls_client_certificate": certificate}
    assert page.post(ADD, {**SHAPE, **pems, "tls_client_key": key}).status_code == 302
    made = Channel.objects.get(name="carrier")
    change = f"/admin/channels/channel/{made.pk}/change/"
    assert made.tls_client_key == key.strip()
    shown = page.get(change).content.decode()
    assert certificate.strip() in shown and key[30:90] not in shown and made.tls_client_key_ciphertext not in shown
    assert key[30:90] not in str(Entry.objects.values())

    page.post(change, {**SHAPE, **pems, "tps": "7"})
    made.refresh_from_db()
    assert (made.tps, made.tls_client_key) == (7, key.strip())

    other, _ = authority.certificate()
    refused = page.post(change, {**SHAPE, **pems, "tls_client_certificate": other})
    assert "The key is not that of the certificate" in text_of(refused)

    page.post(change, {**SHAPE, **pems, "tls_client_certificate": ""})
    made.refresh_from_db()
    assert (made.tls_client_certificate, made.tls_client_key_ciphertext) == ("", "")


def test_what_the_receipts_taught_is_shown_and_not_edited(page):
    made = factories.channel("carrier")
    Channel.objects.filter(pk=made.pk).update(receipt_id_base="hex_to_dec")
    change = f"/admin/channels/channel/{made.pk}/change/"
    shown = text_of(page.get(change))
    assert "Hexadecimal in the answer, decimal in the receipt" in shown and 'name="receipt_id_base"' not in shown
    page.post(change, {**SHAPE, "receipt_id_base": "same"})
    made.refresh_from_db()
    assert (made.tps, made.receipt_id_base) == (100, "hex_to_dec")


def test_the_history_of_a_channel_tells_who_changed_what(page):
    page.post(ADD, {**SHAPE, "password": "s3cret"})
    made = Channel.objects.get(name="carrier")
    page.post(f"/admin/channels/channel/{made.pk}/change/", {**SHAPE, "tps": "7"})
    history = f"/admin/channels/channel/{made.pk}/history/"
    shown = text_of(page.get(history))
    assert "<td>100</td><td>7</td>" in shown and made.password_ciphertext not in shown
    assert str(made.history.first().history_user) in shown
    assert "s3cret" not in shown and "The password was replaced." in shown and 'value="Revert"' not in shown


# --- Routes -----------------------------------------------------------------------------------------------------------


def members(*rows, there=0):
    """The rows of the inline form: (channel, weight, and whatever else is ticked)."""
    form = {"members-TOTAL_FORMS": len(rows), "members-INITIAL_FORMS": there}
    for number, (channel, weight, *ticked) in enumerate(rows):
        form |= {f"members-{number}-channel": channel.pk, f"members-{number}-weight": weight}
        form |= {f"members-{number}-{name}": value for name, value in ticked}
    return form


@pytest.fixture
def carriers(db):
    return [factories.channel(name, is_default=False) for name in ("one", "two")]


BACKUP = ("is_backup", "on")


def test_a_route_is_made_with_its_members_in_one_change(page, carriers):
    one, two = carriers
    form = {"name": "both", "is_active": "on", **members((one, 3), (two, 1, BACKUP))}
    assert page.post(ADD_ROUTE, form).status_code == 302
    route = Route.objects.get()
    assert [(str(row), row.is_backup) for row in route.in_order] == [("one ×3", False), ("two ×1", True)]
    entry = Entry.objects.about(route).get()
    assert entry.after["members"] == {"one": {"weight": 3}, "two": {"weight": 1, "backup": True}}
    assert entry.actor is not None
    assert "one ×3, two ×1 (backup)" in text_of(page.get("/admin/channels/route/"))


def test_members_are_changed_added_and_taken_off_on_the_page(page, carriers):
    one, two = carriers
    route = factories.route(name="both", weights={one: 3})
    row = ("id", route.members.get().pk), ("route", route.pk)
    change = f"/admin/channels/route/{route.pk}/change/"
    page.post(change, {"is_active": "on", **members((one, 5, *row), (two, 2), there=1)})
    assert [str(row) for row in Route.objects.get().in_order] == ["one ×5", "two ×2"]
    first, second = ((("id", row.pk), ("route", route.pk)) for row in Route.objects.get().in_order)
    page.post(change, members((one, 5, *first, ("DELETE", "on")), (two, 2, *second), there=2))
    route.refresh_from_db()
    assert ([str(row) for row in route.in_order], route.is_active) == (["two ×2"], False)
    assert Entry.objects.about(route).filter(action="route.changed").count() == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "needs a channel that is not a backup"),
        ([(0, 1, BACKUP)], "needs a channel that is not a backup"),
        ([(0, 1), (0, 2)], "duplicate data for channel"),
        ([(0, 0)], "greater than or equal to 1"),
        ([(0, 101)], "less than or equal to 100"),
    ],
)
def test_what_is_no_route_is_refused_on_the_form(page, carriers, rows, message):
    form = {"name": "both", "is_active": "on", **members(*[(carriers[n], *rest) for n, *rest in rows])}
    assert message in text_of(page.post(ADD_ROUTE, form))
    assert not Route.objects.exists()
