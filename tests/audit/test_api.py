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
