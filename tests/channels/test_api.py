from tests import factories


def test_channels_show_what_an_author_chooses_by_and_no_account(as_author):
    channel = factories.channel("main", system_id="account", tps=100)
    factories.channel("off", is_default=False, is_active=False)
    page = as_author.get("/api/v1/channels/").json()["results"]
    assert page == [
        {
            "id": channel.pk,
            "name": "main",
            "is_default": True,
            "tps": 100,
            "default_coding": "gsm",
            "long_messages": "udh8",
            "default_validity_seconds": None,
            "accepted_is_delivered": False,
        }
    ]


def test_routes_show_their_members_those_that_stand_by_last(as_author):
    first, second, third = (factories.channel(name, is_default=False) for name in ("first", "second", "third"))
    route = factories.route(name="both", weights={third: 3, first: 1}, backups=(second,))
    factories.route(name="off", weights={first: 1}, is_active=False)
    assert as_author.get("/api/v1/routes/").json()["results"] == [
        {
            "id": route.pk,
            "name": "both",
            "members": [
                {"channel": first.pk, "name": "first", "weight": 1, "is_backup": False},
                {"channel": third.pk, "name": "third", "weight": 3, "is_backup": False},
                {"channel": second.pk, "name": "second", "weight": 1, "is_backup": True},
            ],
        }
    ]


def test_a_page_of_routes_takes_the_same_few_queries_however_many_there_are(as_author, django_assert_max_num_queries):
    channels = [factories.channel(f"c{n}", is_default=False) for n in range(4)]
    for n in range(10):
        factories.route(f"r{n}", dict.fromkeys(channels, 1))
    with django_assert_max_num_queries(7):
        assert len(as_author.get("/api/v1/routes/").json()["results"]) == 10
