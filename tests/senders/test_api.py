import pytest

from senders.models import Revision, Sender
from senders.statuses import RevisionStatus
from tests import factories


def revise(client, sender, **body):
    return client.post(f"/api/v1/senders/{sender.pk}/revisions/", {"saddr": "Acme", **body})


def judge(client, sender, verb, number=1, **body):
    return client.post(f"/api/v1/senders/{sender.pk}/revisions/{number}/{verb}/", body)


def test_a_sender_goes_from_its_name_to_approved(as_admin, as_author, as_moderator):
    made = as_admin.post("/api/v1/senders/", {"name": "Shop"})
    assert made.status_code == 201
    sender = Sender.objects.get(pk=made.json()["id"])
    submitted = revise(as_author, sender, reason="Our brand.")
    assert submitted.status_code == 201
    assert (submitted.json()["number"], submitted.json()["ton"], submitted.json()["npi"]) == (1, 5, 0)
    approved = judge(as_moderator, sender, "approve")
    assert approved.json()["status"] == "approved"
    shown = as_author.get(f"/api/v1/senders/{sender.pk}/").json()
    assert (shown["status"], shown["current"]) == ("approved", 1)


def test_an_author_creates_no_senders(as_author):
    assert as_author.post("/api/v1/senders/", {"name": "Shop"}).status_code == 403


def test_whoever_submitted_a_revision_does_not_approve_it(as_moderator, workspace):
    sender = factories.sender(workspace, approved=False)
    revise(as_moderator, sender)
    response = judge(as_moderator, sender, "approve")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "four_eyes")
    assert Revision.objects.get().status == RevisionStatus.PENDING


def test_a_key_and_an_author_do_not_judge(api, as_author, workspace):
    sender = factories.sender(workspace, approved=False)
    factories.revision(sender, approved=False)
    for client in (api, as_author):
        assert judge(client, sender, "approve").status_code == 403
        assert judge(client, sender, "reject", reason="No.").status_code == 403


def test_a_rejection_needs_its_reason(as_moderator, workspace):
    sender = factories.sender(workspace, approved=False)
    factories.revision(sender, approved=False)
    for body in ({}, {"reason": ""}, {"reason": "  "}):
        assert judge(as_moderator, sender, "reject", **body).status_code == 400
    response = judge(as_moderator, sender, "reject", reason="Not your brand.")
    assert response.json()["decision_reason"] == "Not your brand."


def test_a_revision_is_judged_once(as_moderator, workspace):
    sender = factories.sender(workspace, approved=False)
    factories.revision(sender, approved=False)
    judge(as_moderator, sender, "approve")
    assert judge(as_moderator, sender, "reject", reason="No.").status_code == 409


@pytest.mark.parametrize("saddr", ["12", "TwelveLetters", "Кафе", "0612345678", "1234567890123456", "!!!"])
def test_an_address_that_no_carrier_takes_is_refused(api, workspace, saddr):
    response = revise(api, factories.sender(workspace, approved=False), saddr=saddr)
    assert (response.status_code, response.json()["error"]["code"]) == (409, "bad_saddr")
    assert not Revision.objects.exists()


def test_a_second_revision_waits_for_the_first(api, workspace):
    sender = factories.sender(workspace, approved=False)
    assert revise(api, sender).status_code == 201
    assert revise(api, sender).json()["error"]["code"] == "revision_pending"


def test_a_name_is_taken_once(api, workspace):
    factories.sender(workspace, "Shop")
    assert api.post("/api/v1/senders/", {"name": "Shop"}).json()["error"]["code"] == "name_taken"
