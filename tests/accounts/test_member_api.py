"""Members, invitations and requests to join over the API."""

import pytest

from accounts import invitations
from accounts.models import Invitation, Membership
from accounts.roles import Role
from tests import factories


def membership_of(user):
    return Membership.objects.get(user=user)


def test_members_are_listed_and_shown(author, admin, api):
    rows = api.get("/api/v1/members/").json()["results"]
    assert {row["user"]["email"]: row["role"] for row in rows} == {author.email: "author", admin.email: "admin"}
    one = api.get(f"/api/v1/members/{membership_of(author).pk}/").json()
    assert one["user"] == {"id": author.pk, "email": author.email, "name": author.name} and one["is_active"]


def test_members_are_found_by_name_email_and_role(author, admin, api):
    author.name, author.email = "Ann Baker", "ann@shop.example"
    author.save()
    for query, found in (
        ({"search": "baker"}, [author]),
        ({"search": "@shop"}, [author]),
        ({"role": "admin"}, [admin]),
        ({"role": "admin", "search": "baker"}, []),
        ({}, [admin, author]),
    ):
        rows = api.get("/api/v1/members/", query).json()["results"]
        assert {row["user"]["id"] for row in rows} == {one.pk for one in found}, query


def test_invitations_and_requests_to_join_are_found_by_their_status(as_admin, workspace):
    pending, asked = factories.invitation(workspace), factories.join_request(workspace)
    revoked, refused = factories.invitation(workspace), factories.join_request(workspace)
    as_admin.delete(f"/api/v1/invitations/{revoked.pk}/")
    as_admin.post(f"/api/v1/join-requests/{refused.pk}/refuse/")
    for kind, status, found in (
        ("invitations", "pending", pending),
        ("invitations", "revoked", revoked),
        ("join-requests", "pending", asked),
        ("join-requests", "refused", refused),
    ):
        rows = as_admin.get(f"/api/v1/{kind}/", {"status": status}).json()["results"]
        assert [row["id"] for row in rows] == [found.pk], (kind, status)


def test_an_admin_changes_a_role_and_what_is_left_out_stays(as_admin, author):
    url = f"/api/v1/members/{membership_of(author).pk}/"
    assert as_admin.patch(url, {"is_moderator": True}).json()["is_moderator"] is True
    changed = as_admin.patch(url, {"role": "admin"}).json()
    assert (changed["role"], changed["is_moderator"]) == ("admin", False)
    assert as_admin.patch(url, {"role": "owner"}).json()["error"]["fields"]["role"]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_nobody_changes_their_own_place_or_a_super_admins(as_admin, admin, workspace, method):
    factories.member(workspace, Role.ADMIN)
    boss = factories.membership(workspace, user=factories.user(is_superuser=True))
    call = getattr(as_admin, method)
    answers = [call(f"/api/v1/members/{pk}/", {"role": "author"}) for pk in (membership_of(admin).pk, boss.pk)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert [answer.json()["error"]["code"] for answer in answers] == ["own_membership", "super_admin"]


def test_a_member_is_removed(as_admin, author):
    assert as_admin.delete(f"/api/v1/members/{membership_of(author).pk}/").status_code == 204
    assert not Membership.objects.filter(user=author).exists()


def test_somebody_is_invited_and_the_link_is_in_no_answer(as_admin, workspace):
    made = as_admin.post("/api/v1/invitations/", {"email": "guest@acme.example", "role": "author"})
    assert made.status_code == 201
    row = Invitation.objects.get(pk=made.json()["id"])
    url = f"/api/v1/invitations/{row.pk}/"
    said = str(made.json()) + str(as_admin.get(url).json()) + str(as_admin.get("/api/v1/invitations/").json())
    assert invitations.token_of(row) not in said and row.seed not in said and row.digest not in said
    assert as_admin.post(f"{url}resend/").json()["error"]["code"] == "too_soon"
    assert as_admin.delete(url).status_code == 204
    assert as_admin.delete(url).json()["error"]["code"] == "wrong_status"
    assert as_admin.get(url).json()["status"] == "revoked"


def test_the_same_call_again_invites_once(as_admin, workspace):
    body, again = {"email": "guest@acme.example", "role": "author"}, {"HTTP_IDEMPOTENCY_KEY": "one"}
    answers = [as_admin.post("/api/v1/invitations/", body, **again).json() for _ in range(2)]
    assert answers[0] == answers[1] and Invitation.objects.count() == 1
    assert as_admin.post("/api/v1/invitations/", body).json()["error"]["code"] == "already_invited"


@pytest.mark.parametrize("body", [{}, {"email": "x", "role": "author"}, {"email": "a@b.example", "role": "super"}])
def test_a_bad_invitation_names_its_fields(as_admin, body):
    answer = as_admin.post("/api/v1/invitations/", body)
    assert answer.status_code == 400 and answer.json()["error"]["fields"]


def test_a_request_is_granted_or_refused(as_admin, workspace):
    one, other = factories.join_request(workspace), factories.join_request(workspace)
    rows = as_admin.get("/api/v1/join-requests/").json()["results"]
    assert {row["id"] for row in rows} == {one.pk, other.pk} and rows[0]["message"] == "It is me."
    granted = as_admin.post(f"/api/v1/join-requests/{one.pk}/grant/", {"role": "author"})
    assert granted.status_code == 201 and granted.json()["user"]["id"] == one.user_id
    refused = as_admin.post(f"/api/v1/join-requests/{other.pk}/refuse/", {"reason": "No."}).json()
    assert (refused["status"], refused["reason"]) == ("refused", "No.")
    again = as_admin.post(f"/api/v1/join-requests/{other.pk}/grant/", {"role": "author"})
    assert again.status_code == 409 and again.json()["error"]["code"] == "wrong_status"


def test_a_key_of_the_workspace_hands_out_no_access(api, workspace, author):
    place, asked = membership_of(author).pk, factories.join_request(workspace)
    answers = [
        api.post("/api/v1/invitations/", {"email": "a@b.example", "role": "admin"}),
        api.get("/api/v1/invitations/"),
        api.get("/api/v1/join-requests/"),
        api.patch(f"/api/v1/members/{place}/", {"role": "admin"}),
        api.post(f"/api/v1/join-requests/{asked.pk}/grant/", {"role": "admin"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
