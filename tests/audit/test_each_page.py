"""Each button of a page that changes something is one entry of the ledger; what is looked at, or refused, is none but
its refusal. As `test_each_call`, for pages and the staff's desk."""

from http.cookies import SimpleCookie

import pytest
from django.db import transaction

from accounts.roles import Role
from audit.models import Entry
from tests import factories
from tests.audit.test_each_call import DRAFT, IN_REVIEW, MISSED, UPLOADING, archived, campaign, thing
from tests.config import everything
from tests.config.desk import AUTHOR as STAFF_AUTHOR
from tests.config.desk import BUTTONS, SUPER
from tests.config.pages import ADMIN, AUTHOR, PAGES
from tests.config.test_desk_roles import address as desk_address
from tests.config.test_desk_roles import buttons, rows_of
from tests.config.test_page_roles import address
from tests.pages import signed_in

pytestmark = pytest.mark.timeout(300)  # walks, on machines that are busy
WHY, WORDS = {"reason": "She asked."}, {"name": "New", "text": "Half price."}

# By whom it is pressed, what is written, in which state of things, and what is said.
PRESSED = {
    "profile": (AUTHOR, "user.changed", None, {"name": "Ann", "wants_mail": "on"}),
    "remove_member": (ADMIN, "membership.removed", None, {}),
    "leave": (AUTHOR, "membership.left", None, {}),
    "invite": (ADMIN, "invitation.created", None, {"email": "new@acme.example", "role": "author"}),
    "revoke_invitation": (ADMIN, "invitation.revoked", None, {}),
    "take_requests": (ADMIN, "workspace.changed", None, {}),
    "refuse_request": (ADMIN, "joinrequest.refused", None, {}),
    "webhooks:rotate": (ADMIN, "endpoint.rotated", None, {}),
    "webhooks:disable": (ADMIN, "endpoint.disabled", None, {}),
    "webhooks:test": (ADMIN, "endpoint.tested", None, {}),
    "webhooks:delete": (ADMIN, "endpoint.deleted", None, {}),
    "webhooks:redeliver": (ADMIN, "endpoint.redelivered", None, {}),
    "reports:show_numbers": (AUTHOR, "campaign.numbers_shown", None, WHY),
    "reports:exports": (AUTHOR, "export.requested", None, {"format": "csv"}),
    "reports:inquiries": (ADMIN, "inquiry.asked", None, {"number": "+31612345678", **WHY}),
    "campaigns:new_text": (AUTHOR, "savedtext.kept", None, WORDS),
    "campaigns:saved_text": (AUTHOR, "savedtext.changed", None, WORDS),
    "campaigns:remove_text": (AUTHOR, "savedtext.removed", None, {}),
    "campaigns:submit": (AUTHOR, "campaign.in_review", DRAFT, {}),
    "campaigns:withdraw": (AUTHOR, "campaign.draft", IN_REVIEW, {}),
    "campaigns:revise": (AUTHOR, "campaign.draft", campaign("rejected"), {}),
    "campaigns:pause": (AUTHOR, "campaign.paused", campaign("sending"), {}),
    "campaigns:resume": (AUTHOR, "campaign.sending", campaign("paused"), {}),
    "campaigns:cancel": (AUTHOR, "campaign.cancelled", DRAFT, {}),
    "campaigns:archive": (AUTHOR, "campaign.archived", None, {}),
    "campaigns:restore": (AUTHOR, "campaign.restored", thing("campaigns", archived), {}),
    "campaigns:clone": (AUTHOR, "campaign.cloned", None, {}),
    "moderation:send-now": (ADMIN, "campaign.approved", MISSED, {}),
    "recipients:cancel": (AUTHOR, "recipientlist.cancelled", UPLOADING, {}),
    "recipients:rename": (AUTHOR, "recipientlist.renamed", None, {"name": "Renamed"}),
    "recipients:archive": (AUTHOR, "recipientlist.archived", thing("lists", factories.ready_list), {}),
    "recipients:delete": (AUTHOR, "recipientlist.deleted", thing("lists", factories.ready_list), {}),
    "recipients:suppress": (AUTHOR, "suppression.added", None, {"number": "+31612345678", **WHY}),
    "recipients:unsuppress": (ADMIN, "suppression.removed", None, WHY),
    "recipients:remove_trial_phone": (ADMIN, "trialphone.removed", None, {}),
    "senders:new": (ADMIN, "sender.created", None, {"name": "Another"}),
    "senders:submit_revision": (AUTHOR, "revision.submitted", None, {"saddr": "Acme2", **WHY}),
}
TAKEN = {
    "reports:ledger_file": "ledger.exported",
    "reports:statistics_file": "file.downloaded",
    "recipients:export_suppressed": "suppressions.exported",
}
# What somebody did, and what the platform did because of it.
MORE = {"grant_request": {"joinrequest.granted", "membership.created"}}


@pytest.fixture
def browsers(workspace):
    """Of whoever is staff, too: the desk is theirs."""
    people = {str(role): factories.member(workspace, role, user=factories.user(is_staff=True)) for role in Role}
    people[SUPER] = factories.user(is_staff=True, is_superuser=True)
    made = {role: signed_in(person, workspace) for role, person in people.items()}
    for browser in made.values():
        browser.raise_request_exception = False
        browser.kept = browser.cookies.output(header="", sep=";")
    return made


def written(browser, method, there, data=None):
    """The answer, and what is in the ledger of it; nothing stays."""
    browser.cookies = SimpleCookie(browser.kept)
    with transaction.atomic():
        before = set(Entry.objects.values_list("pk", flat=True))
        answer = getattr(browser, method)(there, data or {})
        found = list(Entry.objects.exclude(pk__in=before).order_by("pk").values_list("action", flat=True))
        transaction.set_rollback(True)
    return answer, found


def test_each_button_that_changes_something_is_one_entry(browsers, workspace):
    own, wrong = everything.things(workspace), {}
    for name, (who, action, state, data) in PRESSED.items():
        with transaction.atomic():
            ids = own | (state(workspace) if state else {})
            answer, found = written(browsers[who], "post", address(name, ids), data)
            transaction.set_rollback(True)
        if found != [action]:
            wrong[name] = (answer.status_code, found)
    assert wrong == {}


def test_no_button_is_more_than_one_entry_and_none_that_is_refused_is_one_but_its_refusal(browsers, workspace):
    """With nothing said: some do what they are for, some say what is missing, some may not be pressed."""
    own, wrong = everything.things(workspace), {}
    for name in (name for name, methods in PAGES.items() if "post" in methods):
        for who, browser in browsers.items():
            answer, found = written(browser, "post", address(name, own))
            refused = answer.status_code == 403
            if refused != (found == ["access.denied"]) or (len(found) > 1 and set(found) != MORE.get(name)):
                wrong[name, who] = (answer.status_code, found)
            if answer.status_code in (400, 404, 409) and found:
                wrong[name, who] = (answer.status_code, found)
    assert wrong == {}


def test_a_page_that_is_looked_at_is_no_entry_but_for_what_is_taken_along(browsers, workspace):
    own, wrong = everything.things(workspace), {}
    for name in (name for name, methods in PAGES.items() if "get" in methods):
        answer, found = written(browsers[ADMIN], "get", address(name, own))
        refused = ["access.denied"] if answer.status_code == 403 else []
        if found != ([TAKEN[name]] if name in TAKEN else refused):
            wrong[name] = (answer.status_code, found)
    assert wrong == {}


def test_the_desk_writes_one_entry_at_most_and_its_refusals(browsers, workspace):
    own, wrong = rows_of(workspace), {}
    for name, route in buttons().items():
        pk = own.get(".".join(route.split("/")[:2]), everything.MISSING)
        for who in (STAFF_AUTHOR, SUPER):
            for method in ("get", "post"):
                answer, found = written(browsers[who], method, desk_address(route, pk))
                refused = answer.status_code == 403
                if refused != (found == ["access.denied"]) or len(found) > 1:
                    wrong[name, who, method] = (answer.status_code, found)
    assert wrong == {}
    assert len(BUTTONS) > 15
