"""Numbers are masked on the pages of a campaign; who needs them says why, and the ledger keeps it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from reports import unmasking
from tests import evidence, factories
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
WHOLE, MASKED = "+31600000001", "+3160•••0001"


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 6, chunk_size=3))
    evidence.dispatched(made, handed_over=[3, 0])
    return made


def seen(page, campaign):
    there = f"/campaigns/{campaign.pk}/"
    shown = [page.get(there).text, page.get(f"{there}recipients/").text]
    return [*shown, page.post(f"{there}recipients/", {"to": "+31 6 0000 0001"}).text.replace('value="+31 6', "")]


def ask(page, campaign, reason="A complaint of a customer."):
    return page.post(f"/campaigns/{campaign.pk}/numbers/", {"reason": reason})


def shown_entries():
    return list(Entry.objects.filter(action="campaign.numbers_shown").order_by("pk"))


@pytest.mark.parametrize("role", Role)
def test_numbers_are_masked_for_every_role_to_begin_with(workspace, campaign, role):
    page = signed_in(factories.member(workspace, role))
    for text in seen(page, campaign):
        assert MASKED in text and WHOLE not in text
    assert shown_entries() == []


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_who_says_why_sees_them_on_this_campaign_only_and_the_ledger_has_it(workspace, campaign, role):
    person = factories.member(workspace, role)
    page = signed_in(person)
    other = factories.sending(workspace, list=factories.ready_list(workspace, 6))
    assert ask(page, campaign).url == f"/campaigns/{campaign.pk}/recipients/"
    for text in seen(page, campaign):
        assert WHOLE in text and MASKED not in text
    assert all(WHOLE not in text for text in seen(page, other))
    assert all(WHOLE not in text for text in seen(signed_in(factories.member(workspace, role)), campaign))
    [entry] = shown_entries()
    assert (entry.actor, entry.note, entry.subject_id) == (person, "A complaint of a customer.", str(campaign.pk))


def test_after_half_an_hour_they_are_masked_again(workspace, author, campaign, monkeypatch):
    page = signed_in(author)
    ask(page, campaign)
    later = timezone.now() + unmasking.LASTS + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert all(WHOLE not in text for text in seen(page, campaign)[1:])


def test_whoever_loses_the_role_sees_them_no_longer(workspace, author, campaign):
    page = signed_in(author)
    ask(page, campaign)
    Membership.objects.filter(user=author).update(role=Role.MODERATOR)
    assert all(WHOLE not in text for text in seen(page, campaign))


def test_a_moderator_does_not_need_them_by_any_door(workspace, campaign):
    moderator = factories.member(workspace, Role.MODERATOR)
    page = signed_in(moderator)
    assert "Show numbers" not in page.get(f"/campaigns/{campaign.pk}/recipients/").text
    assert ask(page, campaign).status_code == 403
    with pytest.raises(Refused, match="does not need"):
        unmasking.show(campaign.pk, by=moderator, reason="Curious.", now=timezone.now())
    assert shown_entries() == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "Because of +31 6 0000 0001"])
def test_without_a_reason_or_with_a_number_in_it_nothing_is_shown(workspace, author, campaign, reason):
    page = signed_in(author)
    ask(page, campaign, reason)
    assert shown_entries() == []
    assert all(WHOLE not in text for text in seen(page, campaign)[1:])
