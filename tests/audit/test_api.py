from tests import factories


def test_the_audit_of_a_campaign_tells_who_did_what(as_author, author, workspace):
    campaign = factories.draft(workspace)
    as_author.post(f"/api/v1/campaigns/{campaign.pk}/submit/")
    newest = as_author.get(f"/api/v1/audit/?subject=campaign:{campaign.pk}").json()["results"][0]
    assert newest["action"] == "campaign.in_review"
    assert newest["actor"] == author.email
    assert newest["via"].startswith("token mc_")
    assert newest["address"] == "127.0.0.1"
    assert newest["subject"] == {"type": "campaign", "id": str(campaign.pk), "name": campaign.name}
    assert (newest["before"], newest["after"]["status"]) == ({"status": "draft"}, "in_review")


def test_a_subject_shows_nothing_but_itself(as_author, workspace):
    first, second = factories.draft(workspace), factories.draft(workspace)
    page = as_author.get(f"/api/v1/audit/?subject=campaign:{first.pk}").json()["results"]
    assert {entry["subject"]["id"] for entry in page} == {str(first.pk)}
    everything = as_author.get("/api/v1/audit/").json()["results"]
    assert str(second.pk) in {entry["subject"]["id"] for entry in everything}


def test_a_subject_that_is_none_is_400(as_author):
    for subject in ("campaign", ":17", "campaign:"):
        assert as_author.get(f"/api/v1/audit/?subject={subject}").status_code == 400


def test_the_ledger_is_read_only(as_admin):
    for method in (as_admin.post, as_admin.put, as_admin.patch, as_admin.delete):
        assert method("/api/v1/audit/", {}).status_code == 405


def test_an_entry_says_in_which_role_it_was_done(as_author, as_admin, api, workspace):
    campaign = factories.draft(workspace)
    for client in (as_author, as_admin, api):
        client.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "Half price."})
    page = as_author.get(f"/api/v1/audit/?subject=campaign:{campaign.pk}").json()["results"]
    assert [entry["role"] for entry in page[:3]] == ["key", "admin", "author"]


def actions(client, **asked):
    return [entry["action"] for entry in client.get("/api/v1/audit/", asked).json()["results"]]


def test_entries_are_found_by_actor_and_by_action(as_author, as_admin, author, workspace):
    campaign = factories.draft(workspace)
    as_author.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "Half price."})
    as_author.post(f"/api/v1/campaigns/{campaign.pk}/submit/")
    assert actions(as_admin, action="campaign.in_review") == ["campaign.in_review"]
    assert actions(as_admin, actor=author.email, action="campaign.in_review") == ["campaign.in_review"]
    assert actions(as_admin, actor="nobody@example.com") == []


def test_entries_are_found_by_time_from_inclusive_to_exclusive(as_author, workspace):
    factories.done(workspace)
    everything = as_author.get("/api/v1/audit/").json()["results"]
    newest, before = everything[0]["at"], everything[1]["at"]
    assert actions(as_author, **{"from": newest}) == [everything[0]["action"]]
    assert everything[0]["action"] not in actions(as_author, to=newest, **{"from": before})


def test_a_time_that_is_none_is_400(as_author):
    for name in ("from", "to"):
        answer = as_author.get("/api/v1/audit/", {name: "yesterday"})
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [name])


def test_a_filter_shows_nothing_of_another_workspace(as_author, workspace):
    factories.done(factories.workspace())
    assert actions(as_author, action="campaign.done") == []
