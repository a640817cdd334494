"""How often the pages around a workspace ask the database: as often for several things as for one."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.roles import Role
from reports import erasures
from tests import factories
from tests.config import everything
from tests.pages import signed_in

# By the address, with the names of `everything`: the most questions of a look by an admin.
MOST = {
    "/keys/": 8,
    "/keys/new/": 6,
    "/keys/token/": 6,
    "/members/{members}/": 8,
    "/members/requests/{members/requests}/": 7,
    "/members/rules/": 6,
    "/webhooks/": 7,
    "/webhooks/new/": 6,
    "/webhooks/{webhooks}/": 11,  # the attempts of its page, together
    "/webhooks/{webhooks}/edit/": 7,
    "/webhooks/deliveries/{webhooks/deliveries}/": 8,
    "/exports/standing/": 7,
    "/erasures/": 7,
    "/erasures/{erasures}/": 8,
    "/inquiries/": 7,
    "/inquiries/{inquiries}/": 7,
    "/limits/": 7,
    "/retention/": 21,  # it counts what goes with the next run
    "/ledger/": 10,
    "/statistics/": 10,
    "/archive/": 9,
    "/campaigns/texts/": 8,
    "/campaigns/texts/{campaigns/texts}/": 7,
    "/lists/test-phones/": 7,
    "/lists/suppressed/imports/{lists/suppressed/imports}/": 7,
    "/profile/": 8,
    "/profile/second-step/": 9,
    "/evidence-key/": 4,
}
THINGS = 3  # of each kind: a question for each would be two more than are told above


def test_each_page_asks_as_often_for_several_things_as_for_one(workspace):
    admin = factories.member(workspace, Role.ADMIN)
    for number in range(THINGS):
        ids = everything.things(workspace)
        erasures.ask(workspace, f"+3169888000{number}", reason="By letter.", by=admin, now=timezone.now())
    page = signed_in(admin, workspace)
    asked = {path: questions(page, path.format_map(ids)) for path in MOST}
    assert {path: count for path, count in asked.items() if count > MOST[path]} == {}


def questions(page, address):
    with CaptureQueriesContext(connection) as captured:
        assert page.get(address).status_code == 200, address
    return len(captured)
