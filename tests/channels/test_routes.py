from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from audit.models import Entry
from channels import routes
from channels.models import Route, RouteMember
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def carriers():
    return [factories.channel(name, is_default=False) for name in ("one", "two", "three")]


def members_of(route):
    return [(str(member.channel), member.weight, member.is_backup) for member in route.in_order]


def test_a_route_is_saved_with_its_members_and_recorded(carriers):
    one, two, three = carriers
    by = factories.user(is_superuser=True)
    route = routes.save(
        "both",
        by=by,
        members=[
            routes.Member(channel=one, weight=3),
            routes.Member(channel=two),
            routes.Member(channel=three, is_backup=True),
        ],
    )
    assert members_of(route) == [("one", 3, False), ("two", 1, False), ("three", 1, True)]
    entry = Entry.objects.about(route).get()
    assert (entry.action, entry.actor) == ("route.created", by)
    assert entry.after == {
        "is_active": True,
        "members": {"one": {"weight": 3}, "two": {"weight": 1}, "three": {"weight": 1, "backup": True}},
    }


def test_new_members_replace_the_old_ones_and_the_history_has_both(carriers):
    one, two, three = carriers
    route = factories.route(name="both", weights={one: 3, two: 1})
    kept = route.members.get(channel=one).pk
    route = factories.route(name="both", weights={one: 5, three: 1})
    assert members_of(Route.objects.get()) == [("one", 5, False), ("three", 1, False)]
    assert route.members.get(channel=one).pk == kept
    history = RouteMember.history.order_by("history_id").values_list("channel__name", "weight", "history_type")
    assert list(history) == [("one", 3, "+"), ("two", 1, "+"), ("one", 5, "~"), ("three", 1, "+"), ("two", 1, "-")]
    changed = Entry.objects.about(route).get(action="route.changed")
    assert changed.before["members"] == {"one": {"weight": 3}, "two": {"weight": 1}}


def test_a_route_is_switched_off_and_keeps_its_members(carriers):
    factories.route(name="both", weights={carriers[0]: 3})
    route = routes.save("both", by=None, is_active=False)
    assert (route.is_active, members_of(route)) == (False, [("one", 3, False)])
    assert not Route.objects.active().exists()
    assert not routes.save("both", by=None, members=[routes.Member(channel=carriers[1])]).is_active


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (None, "needs a channel that is not a backup"),
        ([], "needs a channel that is not a backup"),
        ([(0, 1, True)], "needs a channel that is not a backup"),
        ([(0, 1, False), (0, 2, False)], "has each channel once"),
        ([(0, 1, False), (0, 1, True)], "has each channel once"),
        ([(0, 0, False)], "greater than or equal to 1"),
        ([(0, 101, False)], "less than or equal to 100"),
    ],
)
def test_what_is_no_route_is_refused_and_leaves_nothing(carriers, members, message):
    wanted = members and [routes.Member(channel=carriers[n], weight=w, is_backup=b) for n, w, b in members]
    with pytest.raises(ValidationError, match=message):
        routes.save("both", by=None, members=wanted)
    assert not Route.objects.exists() and not Entry.objects.filter(action__startswith="route").exists()


def test_a_name_is_a_slug(carriers):
    with pytest.raises(ValidationError, match="slug"):
        factories.route(name="two words", weights={carriers[0]: 1})


def test_the_database_has_each_channel_once_and_weights_within_bounds(carriers):
    route = factories.route(name="both", weights={carriers[0]: 1})
    for channel, weight, name in [
        (carriers[0], 1, "routemember_channel_once"),
        (carriers[1], 0, "routemember_known_weight"),
        (carriers[1], 101, "routemember_known_weight"),
    ]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            RouteMember.objects.create(route=route, channel=channel, weight=weight)


def test_a_channel_of_a_route_is_not_deleted(carriers):
    factories.route(name="both", weights={carriers[0]: 1})
    with pytest.raises(ProtectedError):
        carriers[0].delete()


@pytest.mark.parametrize("table", ["channels_historicalroute", "channels_historicalroutemember"])
def test_the_history_of_routes_is_for_reading(carriers, table):
    factories.route(name="both", weights={carriers[0]: 1})
    for sql in (f"UPDATE {table} SET history_id = history_id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with (
            pytest.raises(DatabaseError, match=r"append-only|permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(sql)


def test_the_turns_of_a_route_follow_its_shares_and_its_backups(carriers):
    one, two, three = carriers
    turns = routes.turns(factories.route(name="both", weights={one: 3, two: 1}, backups=(three,)))
    everybody = {one.pk, two.pk, three.pk}
    assert Counter(turns.next(everybody) for _ in range(8)) == {one.pk: 6, two.pk: 2}
    assert turns.next({two.pk, three.pk}) == two.pk
    assert turns.next({three.pk}) == three.pk


# --- add_route --------------------------------------------------------------------------------------------------------


def test_a_route_is_added_by_command(carriers, capsys):
    call_command("add_route", "--name=both", "--member=one:3", "--member=two", "--backup=three:2")
    route = Route.objects.get()
    assert members_of(route) == [("one", 3, False), ("two", 1, False), ("three", 2, True)]
    assert capsys.readouterr().out == f"Route {route.pk} “both” → one:3, two, three:2\n"
    assert Entry.objects.about(route).get().actor is None


def test_the_command_gives_a_route_other_members(carriers):
    call_command("add_route", "--name=both", "--member=one:3")
    call_command("add_route", "--name=both", "--member=two")
    assert members_of(Route.objects.get()) == [("two", 1, False)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--member=four"], "no channel “four”"),
        (["--member=one:much"], "CHANNEL:WEIGHT"),
        (["--member=one:101"], "weight: .*100"),
        (["--member=one", "--backup=one"], "each channel once"),
        (["--backup=one"], "--member"),
    ],
)
def test_a_route_that_cannot_be_is_refused_by_the_command(carriers, given, message):
    with pytest.raises(CommandError, match=message):
        call_command("add_route", "--name=both", *given)
    assert not Route.objects.exists()
