"""What a workspace may spend, and where to: asked for with each intent, whoever asks at the same time."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from accounts import limits
from accounts.models import Workspace
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from delivery import intents, spending
from delivery.models import Chunk, Intent, Message, Spending
from delivery.spending import LimitReached
from delivery.statuses import MessageState
from recipients import suppressions
from tests import factories
from tests.delivery.ground import choose, choose_retries, claim, phones_of, send, under_way
from tests.racing import race

pytestmark = pytest.mark.django_db
FIRST = factories.FIRST_NUMBER


@pytest.fixture(autouse=True)
def one_moment(monkeypatch):
    """What is spent counts for a day, and midnight may be near."""
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)


def limited(workspace, *, a_day=None, a_month=None, to=()):
    admin = factories.member(workspace, Role.ADMIN)
    limits.limit(workspace.pk, parts_per_day=a_day, parts_per_month=a_month, destinations=to, by=admin)
    workspace.refresh_from_db()


def intend(chunk, costs, *, now=None):
    """How many of the next recipients are covered; None when the intent is refused."""
    phones = phones_of(chunk)[chunk.next : chunk.next + len(costs)]
    about = {"seal": chunk.campaign.seal, "channel_id": chunk.campaign.channel_id, "now": now or timezone.now()}
    chosen = intents.intend(chunk, phones, **about, costs=costs[: len(phones)])
    return chosen and len(chosen.indexes)


def spent_in(workspace, *, now=None):
    spent = spending.spent(workspace, now=now or timezone.now())
    return spent.of_day, spent.of_month


def test_as_many_are_intended_as_the_limit_pays_for_and_then_nobody(workspace):
    limited(workspace, a_day=5)
    _, [chunk] = under_way(workspace, 6)
    mine = claim(chunk)
    assert intend(mine, [2, 2, 2, 2, 2, 2]) == 2
    assert Chunk.objects.get(pk=chunk.pk).intended == 2 and spent_in(workspace) == (4, 4)
    _, [other] = under_way(workspace, 3)
    with pytest.raises(LimitReached, match="limit for a day is reached: 5 parts"):
        intend(claim(other), [2])
    assert intend(claim(other, now=timezone.now() + timedelta(hours=1)), [1]) == 1
    assert spent_in(workspace) == (5, 5)


def test_an_intent_that_is_refused_spends_nothing(workspace):
    limited(workspace, a_day=5)
    _, [chunk] = under_way(workspace, 3)
    mine = claim(chunk)
    mine.epoch += 1
    assert intend(mine, [1, 1]) is None
    assert spent_in(workspace) == (0, 0) and not Intent.objects.exists()


def test_a_process_that_has_not_heard_of_the_limit_intends_nothing(workspace):
    _, [chunk] = under_way(workspace, 3)
    mine = claim(chunk)
    limited(workspace, a_month=100)
    assert choose(mine, 2) is None
    assert intend(mine, [1, 1]) == 2


def test_the_day_is_that_of_the_workspace_and_the_month_goes_on_over_its_days(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    limited(workspace, a_day=3, a_month=4)
    _, [chunk] = under_way(workspace, 9)
    mine, zone = claim(chunk), ZoneInfo("Asia/Tashkent")
    evening = datetime(2099, 5, 30, 23, 59, tzinfo=zone)
    with connection.cursor() as cursor:
        for now, room in [(evening, 3), (evening + timedelta(minutes=1), 1), (evening + timedelta(days=1), 0)]:
            cursor.execute(
                "SELECT fitting, day_limit, month_limit FROM spend_parts(%s, '{1,1,1,1}', %s)", [workspace.pk, now]
            )
            assert cursor.fetchone()[0] == room
    with pytest.raises(LimitReached, match="limit for a month is reached: 4 parts"):
        intend(mine, [1], now=evening + timedelta(days=1))
    assert spent_in(workspace, now=evening + timedelta(days=2)) == (0, 0)


def test_what_is_given_back_may_be_spent_again(workspace):
    limited(workspace, a_day=5)
    now = timezone.now()
    _, [chunk] = under_way(workspace, 6)
    assert intend(claim(chunk), [1] * 6, now=now) == 5
    spending.give_back(workspace, 2, at=now)
    assert spent_in(workspace) == (3, 3)


def test_another_workspace_pays_nothing(workspace):
    limited(workspace, a_day=0)
    _, [chunk] = under_way(factories.workspace(), 3)
    assert choose(claim(chunk), 3).indexes == range(3)
    assert not Spending.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_ten_campaigns_at_once_never_pass_the_limit(workspace):
    limited(workspace, a_day=25)
    mine = [claim(under_way(workspace, 10)[1][0]) for _ in range(10)]

    def all_of(chunk):
        covered = 0
        try:
            while chunk.next < chunk.count and (count := intend(chunk, [2, 2, 2])):
                covered += count
                Chunk.objects.filter(pk=chunk.pk).update(next=chunk.next + count)
                chunk.refresh_from_db(fields=["next"])
        except LimitReached:
            pass
        return covered

    covered = race(*[lambda chunk=chunk: all_of(chunk) for chunk in mine])
    assert sum(covered) == 12 and spent_in(workspace)[0] == 24


def test_a_number_where_the_workspace_does_not_allow_is_passed_over(workspace):
    _, [chunk] = under_way(workspace, 5)
    limited(workspace, to=["998", f"+{FIRST + 1}", "31999"])
    suppressions.opt_out(workspace, FIRST + 2)
    chosen = choose(claim(chunk), 3)
    assert (chosen.suppressed, chosen.barred) == ({FIRST, FIRST + 2}, 2)
    limited(workspace, to=["31"])
    _, [chunk] = under_way(workspace, 3)
    assert choose(claim(chunk), 3).barred == 0


def test_a_retry_is_over_once_its_number_is_where_the_workspace_does_not_allow(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [(0x58, b""), (0x58, b"")])
    limited(workspace, to=[str(FIRST + 1)])
    [retry] = choose_retries(mine, 10, now=timezone.now() + timedelta(hours=1))
    assert retry.recipient == 1
    assert Message.objects.get(campaign=campaign, recipient=0).state == MessageState.SUPPRESSED


def test_only_an_admin_sets_limits_and_the_ledger_has_them(workspace, author, admin):
    given = {"parts_per_day": 10, "parts_per_month": None, "destinations": ["+31", "00998", ""]}
    with pytest.raises(Refused) as refusal:
        limits.limit(workspace.pk, **given, by=author)
    assert refusal.value.code == "not_an_admin"
    assert limits.limit(workspace.pk, **given, by=admin).destinations == ["31", "998"]
    limits.limit(workspace.pk, **given, by=admin)
    [entry] = Entry.objects.filter(action="workspace.limited")
    assert entry.after == {"parts_per_day": 10, "destinations": ["31", "998"]}
    assert entry.before == {"parts_per_day": None, "destinations": None}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"parts_per_day": -1}, "bad_limit"),
        ({"parts_per_month": 10**13}, "bad_limit"),
        ({"destinations": ["NL"]}, "bad_destination"),
        ({"destinations": ["0"]}, "bad_destination"),
    ],
)
def test_what_is_wrong_with_a_limit_is_said(workspace, admin, given, code):
    with pytest.raises(Refused) as refusal:
        limits.limit(
            workspace.pk, **{"parts_per_day": None, "parts_per_month": None, "destinations": [], **given}, by=admin
        )
    assert refusal.value.code == code
