"""The second step of signing in: with it a password alone opens nothing, by whatever door somebody comes."""

import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from html import unescape

import pyotp
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import resets, second_steps, security_keys, visits
from accounts.models import Attempts, Authenticator, RecoveryCode, SecurityKey, Session
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from notices import letters
from tests import factories
from tests.accounts.soft_key import SoftKey
from tests.pages import signed_in, text_of
from tests.racing import race

pytestmark = pytest.mark.django_db
PAGE, STEP = "/profile/second-step/", "/login/second/"
OTHER = "another horse, another battery"
CODE = re.compile(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")


@pytest.fixture
def person(workspace):
    return factories.member(workspace, Role.AUTHOR)


def app_of(person):
    """Set up, as of a minute ago: the code of now is new."""
    second_steps.propose(person)
    totp = second_steps.proposed(person)
    past = timezone.now() - timedelta(minutes=2)
    second_steps.confirm(person, totp.at(past), session="", now=past)
    return totp


def typed(client, email, password=factories.PASSWORD, after="/"):
    return client.post("/login/", {"username": email, "password": password, "next": after})


def actions(person):
    return list(Entry.objects.about(person).order_by("seq").values_list("action", flat=True))


# --- Setting it up ----------------------------------------------------------------------------------------------------


def test_somebody_sets_up_an_app_and_gets_codes_that_are_shown_once(person):
    page = signed_in(person)
    assert page.post(f"{PAGE}app/", {"password": "not this one"}).status_code == 400
    assert page.post(f"{PAGE}app/", {"password": factories.PASSWORD}).url == f"{PAGE}app/confirm/"
    shown = text_of(page.get(f"{PAGE}app/confirm/"))
    secret = second_steps.proposed(person).secret
    assert secret[:4] in shown and "data:image/svg+xml" in shown
    assert page.post(f"{PAGE}app/confirm/", {"code": "000000"}).status_code == 400
    answer = page.post(f"{PAGE}app/confirm/", {"code": pyotp.TOTP(secret).now()})
    assert len(CODE.findall(answer.content.decode())) == second_steps.CODES
    assert "10 left" in text_of(page.get(PAGE)) and not CODE.findall(page.get(PAGE).content.decode())
    assert "user.second_step_added" in actions(person)


def test_other_browsers_have_to_sign_in_again_once_it_is_set_up(person):
    here, elsewhere = signed_in(person), signed_in(person)
    here.post(f"{PAGE}app/", {"password": factories.PASSWORD})
    here.post(f"{PAGE}app/confirm/", {"code": second_steps.proposed(person).now()})
    assert here.get("/campaigns/").status_code == 200
    assert elsewhere.get("/campaigns/").url.startswith("/login/?")


def test_the_secret_is_not_in_clear_and_opens_in_no_other_row(person, workspace):
    totp, other = app_of(person), factories.member(workspace)
    row = Authenticator.objects.get(user=person)
    assert totp.secret not in row.sealed
    Authenticator.objects.create(user=other, sealed=row.sealed, confirmed_at=timezone.now())
    with pytest.raises(Refused):
        second_steps.take(other, totp.now(), now=timezone.now())


# --- The key of the installation --------------------------------------------------------------------------------------


def test_a_new_secret_key_reads_what_was_sealed_under_the_one_before(person, settings):
    totp, now = app_of(person), timezone.now()
    code, other = second_steps.renew_codes(person)[:2]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key, of today"
    second_steps.take(person, code, now=now)
    second_steps.take(person, totp.at(now), now=now)
    settings.SECRET_KEY_FALLBACKS = []
    later = now + timedelta(seconds=30)
    second_steps.take(person, totp.at(later), now=later)  # it was sealed anew when it was used
    with pytest.raises(Refused, match="wrong, or was used"):
        second_steps.take(person, other, now=later)


def test_a_command_seals_all_of_them_anew_and_names_those_that_no_key_opens(person, workspace, settings, capsys):
    totp, lost, now = app_of(person), factories.member(workspace), timezone.now()
    app_of(lost)
    Authenticator.objects.filter(user=lost).update(sealed="nothing that was sealed here")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key, of today"
    with pytest.raises(CommandError, match=lost.email):
        call_command("reseal_second_steps")
    assert capsys.readouterr().out == "1 secrets are sealed under the new key.\n"
    settings.SECRET_KEY_FALLBACKS = []
    second_steps.take(person, totp.at(now), now=now)


def test_who_comes_after_the_key_was_lost_is_told_so_and_is_helped_by_a_reset(person, client, settings):
    totp = app_of(person)
    typed(client, person.email)
    Authenticator.objects.update(sealed="nothing that was sealed here")
    answer = client.post(STEP, {"code": totp.now()})
    assert answer.status_code == 400 and "cannot be read any more" in text_of(answer)
    second_steps.reset(person.pk, by=None)
    typed(client, person.email)
    assert client.get("/campaigns/").status_code == 200


# --- Signing in -------------------------------------------------------------------------------------------------------


def test_after_the_password_nothing_is_open_but_the_page_that_asks_for_the_code(person, client):
    totp = app_of(person)
    typed(client, person.email)
    for address in ("/", "/campaigns/", "/profile/", PAGE, "/admin/", "/nowhere/", "/keys/"):
        assert client.get(address).url.startswith(f"{STEP}?next=%2F"), address
        assert client.post(address).status_code == 302, address
    assert client.get("/api/v1/campaigns/").status_code == 403
    part = client.get("/live/", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith(STEP)
    assert client.post(STEP, {"code": totp.now(), "next": "/campaigns/"}).url == "/campaigns/"
    assert client.get("/campaigns/").status_code == 200
    assert actions(person)[-2:] == ["user.signed_in", "user.second_step_taken"]


def test_the_session_has_another_key_after_each_step(person, client):
    totp = app_of(person)
    typed(client, person.email)
    halfway = client.cookies["sessionid"].value
    client.post(STEP, {"code": totp.now()})
    assert client.cookies["sessionid"].value != halfway
    stolen = Client()
    stolen.cookies["sessionid"] = halfway
    assert stolen.get("/campaigns/").url.startswith("/login/?")


def test_no_code_opens_twice_nor_one_that_is_older_than_one_that_did(person):
    totp, now = app_of(person), timezone.now()
    second_steps.take(person, totp.at(now), now=now)
    for again in (totp.at(now), totp.at(now - timedelta(seconds=30))):
        with pytest.raises(Refused, match="wrong, or was used"):
            second_steps.take(person, again, now=now)
    second_steps.take(person, totp.at(now + timedelta(seconds=30)), now=now + timedelta(seconds=30))


def test_a_recovery_code_opens_once_however_it_is_typed(person):
    app_of(person)
    first, second = second_steps.renew_codes(person)[:2]
    second_steps.take(person, first.upper().replace("-", " "), now=timezone.now())
    with pytest.raises(Refused):
        second_steps.take(person, first, now=timezone.now())
    second_steps.take(person, second, now=timezone.now())
    assert second_steps.ways_of(person).codes == second_steps.CODES - 2
    kept = str(list(RecoveryCode.objects.values()))
    assert first not in kept and first.replace("-", "") not in kept


def test_new_codes_are_in_the_place_of_the_old_ones(person):
    app_of(person)
    old, _ = second_steps.renew_codes(person), second_steps.renew_codes(person)
    with pytest.raises(Refused):
        second_steps.take(person, old[0], now=timezone.now())


def test_guessing_ends_after_five_codes_from_wherever_and_the_right_one_is_not_looked_at(person, client):
    totp = app_of(person)
    typed(client, person.email)
    for address in range(second_steps.ATTEMPTS):
        assert client.post(STEP, {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{address}").status_code == 400
    shut = client.post(STEP, {"code": totp.now()})
    assert (shut.status_code, shut.headers["Retry-After"]) == (429, "900")
    assert actions(person).count("user.second_step_failed") == second_steps.ATTEMPTS
    Attempts.objects.update(last_at=timezone.now() - timedelta(minutes=16))
    assert client.post(STEP, {"code": totp.now()}).status_code == 302


def test_whoever_is_halfway_for_five_minutes_begins_anew(person, client):
    app_of(person)
    typed(client, person.email)
    session = client.session
    session["began"] -= 301
    session.save()
    assert client.get("/campaigns/").url.startswith("/login/?")


def test_a_session_that_somebody_had_before_it_was_asked_for_is_halfway(person):
    page = Client()
    page.force_login(person)
    Authenticator.objects.create(user=person, sealed="", confirmed_at=timezone.now())
    assert page.get("/campaigns/").url.startswith(STEP)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_type_one_code_at_once_one_comes_in(workspace):
    person = factories.member(workspace)
    totp, now = app_of(person), timezone.now()
    take = partial(second_steps.take, person, totp.at(now), now=now)
    assert sorted(isinstance(found, Refused) for found in race(take, take)) == [False, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_try", range(10))
def test_an_app_that_is_confirmed_keeps_the_secret_whose_code_was_typed_whoever_proposes_another(workspace, _try):
    person, now = factories.member(workspace), timezone.now()
    second_steps.propose(person)
    shown = second_steps.proposed(person)
    confirm = partial(second_steps.confirm, person, shown.at(now), session="", now=now)
    confirmed, proposed = race(confirm, partial(second_steps.propose, person))
    if isinstance(confirmed, Refused):  # another was proposed first, and waits for a code of its own
        assert not second_steps.is_on(person) and second_steps.proposed(person).secret != shown.secret
    else:
        assert proposed.code == "already_there"
        later = now + timedelta(seconds=60)
        second_steps.take(person, shown.at(later), now=later)


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_that_remove_the_last_two_ways_at_once_one_is_refused(wanted, workspace):
    person = factories.member(workspace, Role.ADMIN)
    app_of(person)
    key = SecurityKey.objects.create(user=person, name="Blue", credential=b"1", public_key=b"2")
    app = partial(second_steps.remove_app, person, session="")
    found = race(app, partial(security_keys.remove, person, key.pk, session=""))
    assert [one.code for one in found if one] == ["second_step_required"]
    assert second_steps.is_on(person)


# --- Who must have one ------------------------------------------------------------------------------------------------


@pytest.fixture
def wanted(settings):
    settings.SECOND_STEP_REQUIRED_FOR = frozenset({"moderator", "admin", "super admin"})


@pytest.mark.parametrize("who", ["moderator", "admin", "flagged author", "super admin"])
def test_whoever_must_have_one_reaches_nothing_until_it_is_set_up(wanted, workspace, who):
    person = {
        "moderator": lambda: factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)),
        "admin": lambda: factories.member(workspace, Role.ADMIN),
        "flagged author": lambda: factories.membership(workspace, Role.AUTHOR, is_moderator=True).user,
        "super admin": lambda: factories.user(is_superuser=True, is_staff=True),
    }[who]()
    page = signed_in(person, workspace)
    for address in ("/", "/campaigns/", "/admin/", "/admin/moderation/campaigninreview/", "/keys/"):
        assert page.get(address).url.startswith(f"{PAGE}?next="), address
    page.post(f"{PAGE}app/", {"password": factories.PASSWORD})
    page.post(f"{PAGE}app/confirm/", {"code": second_steps.proposed(person).now()})
    assert page.get("/campaigns/").status_code == 200
    assert page.post(f"{PAGE}app/remove/", {"password": factories.PASSWORD}).status_code == 400
    assert second_steps.is_on(person)


def test_an_author_may_do_without(wanted, person):
    assert signed_in(person).get("/campaigns/").status_code == 200


def test_a_token_of_somebody_who_must_have_one_and_has_none_opens_nothing(wanted, workspace, moderator):
    program = factories.bearer(factories.token(workspace, moderator))
    assert program.get("/api/v1/campaigns/").status_code == 401
    app_of(moderator)
    assert program.get("/api/v1/campaigns/").status_code == 200


def test_a_role_that_needs_one_holds_at_the_next_page(wanted, workspace, person):
    page = signed_in(person)
    assert page.get("/campaigns/").status_code == 200
    person.memberships.update(role=Role.ADMIN)
    assert page.get("/campaigns/").url.startswith(PAGE)


def test_who_removes_an_app_says_the_password_and_then_signs_in_without(person, client):
    app_of(person)
    page = signed_in(person)
    session = page.session
    session[visits.STEP] = visits.Step.TAKEN
    session.save()
    assert page.post(f"{PAGE}app/remove/", {"password": "another one"}).status_code == 400
    assert page.post(f"{PAGE}app/remove/", {"password": factories.PASSWORD}).url == PAGE
    typed(client, person.email)
    assert client.get("/campaigns/").status_code == 200


def test_an_operator_resets_it_for_whoever_has_lost_everything(person):
    app_of(person)
    signed_in(person)
    call_command("reset_second_step", person.email)
    assert not second_steps.is_on(person) and not Session.objects.of_person(person).exists()
    assert actions(person)[-1] == "user.second_step_reset"


def test_a_super_admin_resets_it_on_the_desk_says_why_and_the_person_is_told(person, workspace):
    app_of(person)
    operator = factories.user(is_superuser=True, is_staff=True)
    desk, address = signed_in(operator, workspace), f"/admin/accounts/user/{person.pk}/second-step/"
    assert address in desk.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()
    assert desk.post(address, {"reason": " "}).status_code == 400 and second_steps.is_on(person)
    assert desk.post(address, {"reason": "Lost in a tram; I called her back."}).status_code == 302
    assert not second_steps.is_on(person)
    entry = Entry.objects.about(person).get(action="user.second_step_reset")
    assert (entry.actor, entry.note) == (operator, "Lost in a tram; I called her back.")
    (letter,) = letters.of(entry)
    assert letter.to == person.email and f"By {operator}: Lost in a tram; I called her back." in letter.text
    assert address not in desk.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()


def test_nobody_resets_their_own_or_another_super_admins_and_nobody_else_resets_any(person, workspace, admin):
    operator, other = (factories.user(is_superuser=True, is_staff=True) for _ in range(2))
    for who in (person, operator, other):
        app_of(who)
    refused = [(operator, operator), (operator, other), (admin, person)]
    for by, whose in refused:
        with pytest.raises(Refused):
            second_steps.reset(whose.pk, by=by, reason="I ask for it.")
        assert second_steps.is_on(whose)
    desk = signed_in(operator, workspace)
    for whose in (operator, other):
        posted = desk.post(f"/admin/accounts/user/{whose.pk}/second-step/", {"reason": "I ask for it."})
        assert posted.status_code == 403 and second_steps.is_on(whose)


def test_no_way_in_leads_past_it(wanted, workspace, moderator):
    """The desk's log-in, a session from before, a reset, an invitation's link, a token."""
    secret = factories.token(workspace, moderator)
    assert factories.bearer(secret).get("/api/v1/campaigns/").status_code == 401
    app_of(moderator)

    def is_held(page):
        for address in ("/", "/campaigns/", "/admin/", "/admin/moderation/campaigninreview/", "/invitation/"):
            assert page.get(address).url.startswith(STEP), address
        return page.get("/api/v1/campaigns/").status_code == 403

    before, desk, forgotten = Client(), Client(), Client()
    before.force_login(moderator)
    login = desk.get("/admin/login/?next=/admin/").url
    assert desk.post(login, {"username": moderator.email, "password": factories.PASSWORD}).url == "/admin/"
    assert is_held(before) and is_held(desk)
    moderator.refresh_from_db()  # a link is bound to the last sign-in
    forgotten.get(f"/password/link/{resets.token_of(moderator, asked_at=timezone.now())}/")
    answer = forgotten.post("/password/new/", {"new_password1": OTHER, "new_password2": OTHER})
    assert "Your password is changed." in text_of(answer)
    assert forgotten.get("/campaigns/").url.startswith("/login/?")
    typed(forgotten, moderator.email, OTHER)
    forgotten.get(f"/invitation/{'0' * 64}/")
    assert is_held(forgotten) and second_steps.is_on(moderator)


def test_a_session_that_took_it_is_held_again_when_it_is_removed_and_then_needed(wanted, person, client):
    totp = app_of(person)
    elsewhere = signed_in(person)
    typed(client, person.email)
    client.post(STEP, {"code": totp.now()})
    assert client.post(f"{PAGE}app/remove/", {"password": factories.PASSWORD}).url == PAGE
    assert elsewhere.get("/campaigns/").url.startswith("/login/?")
    assert client.get("/campaigns/").status_code == 200
    person.memberships.update(role=Role.ADMIN)
    assert client.get("/campaigns/").url.startswith(PAGE)


# --- Security keys ----------------------------------------------------------------------------------------------------


@pytest.fixture
def key(settings):
    settings.PUBLIC_URL = "https://sms.acme.example"
    return SoftKey(settings.PUBLIC_URL)


def asked_in(answer):
    return unescape(re.search(r'data-key="([^"]+)"', answer.content.decode())[1])


def add(page, key, name="Blue key"):
    asked = asked_in(page.post(f"{PAGE}keys/", {"password": factories.PASSWORD, "name": name}))
    return page.post(f"{PAGE}keys/add/", {"answer": key.made(asked), "name": name})


def test_a_security_key_is_added_with_recovery_codes_and_then_opens(person, client, key):
    answer = add(signed_in(person), key)
    assert len(CODE.findall(answer.content.decode())) == second_steps.CODES
    typed(client, person.email)
    assert client.get("/campaigns/").url.startswith(STEP)
    opened = client.post(f"{STEP}key/", {"answer": key.used(asked_in(client.get(STEP))), "next": "/campaigns/"})
    assert opened.url == "/campaigns/"
    assert client.get("/campaigns/").status_code == 200
    assert Entry.objects.about(person).latest("seq").after == {"way": "security key"}


def test_a_key_is_given_another_name_by_whoever_has_it(person, workspace, key):
    page = signed_in(person)
    add(page, key)
    (kept,) = second_steps.ways_of(person).keys
    address = f"{PAGE}keys/{kept.pk}/"
    assert "Blue key" in page.get(address).content.decode()
    assert page.post(address, {"name": " "}).status_code == 400
    assert page.post(address, {"name": "Red key"}).url == PAGE
    entry = Entry.objects.about(person).latest("seq")
    assert (entry.before, entry.after) == ({"name": "Blue key"}, {"name": "Red key"})
    assert "Red key" in text_of(page.get(PAGE))
    assert signed_in(factories.member(workspace)).post(address, {"name": "Mine"}).status_code == 404


def test_no_key_is_added_where_the_address_has_no_name(person, settings):
    settings.PUBLIC_URL = "http://127.0.0.1:8000"
    answer = signed_in(person).post(f"{PAGE}keys/", {"password": factories.PASSWORD, "name": "Blue key"})
    assert answer.status_code == 400 and "this installation is at 127.0.0.1" in text_of(answer)


def test_an_answer_is_good_once_and_for_its_page_only(person, key):
    add(signed_in(person), key)
    first, second = Client(), Client()
    for client in (first, second):
        typed(client, person.email)
    answer = key.used(asked_in(first.get(STEP)))
    second.get(STEP)
    second.post(f"{STEP}key/", {"answer": answer})
    assert second.get("/campaigns/").url.startswith(STEP)  # another challenge
    assert first.post(f"{STEP}key/", {"answer": answer}).status_code == 302
    assert first.get("/campaigns/").status_code == 200


def test_a_key_on_another_address_a_strangers_key_and_a_copy_that_lags_behind_open_nothing(person, workspace, key):
    add(signed_in(person), key)
    strangers, elsewhere, lagging = SoftKey(key.origin), replace(key, origin="https://sms.acme.evil"), replace(key)
    add(signed_in(factories.member(workspace)), strangers)
    client = Client()
    typed(client, person.email)
    key.count = 5
    client.post(f"{STEP}key/", {"answer": key.used(asked_in(client.get(STEP)))})
    again = Client()
    typed(again, person.email)
    for wrong in (strangers, elsewhere, lagging):
        again.post(f"{STEP}key/", {"answer": wrong.used(asked_in(again.get(STEP)))})
        assert again.get("/campaigns/").url.startswith(STEP), wrong
    again.get(STEP)
    again.post(f"{STEP}key/", {"answer": "{}"})
    assert again.get("/campaigns/").url.startswith(STEP)


def test_the_last_way_of_somebody_who_must_have_one_is_not_removed(wanted, workspace, key):
    person = factories.member(workspace, Role.ADMIN)
    page = signed_in(person)
    add(page, key)
    (kept,) = second_steps.ways_of(person).keys
    assert page.post(f"{PAGE}keys/{kept.pk}/remove/", {"password": factories.PASSWORD}).status_code == 400
    add(page, SoftKey(key.origin), name="Spare")
    assert page.post(f"{PAGE}keys/{kept.pk}/remove/", {"password": factories.PASSWORD}).url == PAGE
    assert [one.name for one in second_steps.ways_of(person).keys] == ["Spare"]


def test_whoever_changes_something_gets_a_letter(person):
    app_of(person)
    entry = Entry.objects.about(person).get(action="user.second_step_added")
    (letter,) = letters.of(entry)
    assert letter.to == person.email and PAGE in letter.text
