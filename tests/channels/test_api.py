from tests import factories


def test_channels_show_what_an_author_chooses_by_and_no_account(as_author):
    channel = factories.channel("main", system_id="account", tps=100)
    factories.channel("off", is_default=False, is_active=False)
    page = as_author.get("/api/v1/channels/").json()["results"]
    assert page == [{"id": channel.pk, "name": "main", "is_default": True, "tps": 100}]
