"""The routes of accounts, for `config.api_urls`."""

from django.urls import path

from accounts import key_api, member_api, rule_api

urlpatterns = [
    path("keys/", key_api.Keys.as_view(), name="keys"),
    path("keys/<int:pk>/", key_api.OneKey.as_view(), name="key"),
    path("rules/", rule_api.Rules.as_view(), name="rules"),
    path("members/", member_api.Members.as_view(), name="members"),
    path("members/<int:pk>/", member_api.OneMember.as_view(), name="member"),
    path("invitations/", member_api.Invitations.as_view(), name="invitations"),
    path("invitations/<int:pk>/", member_api.OneInvitation.as_view(), name="invitation"),
    path("invitations/<int:pk>/resend/", member_api.ResendInvitation.as_view(), name="invitation-resend"),
    path("join-requests/", member_api.JoinRequests.as_view(), name="join-requests"),
    path("join-requests/<int:pk>/", member_api.OneJoinRequest.as_view(), name="join-request"),
    path("join-requests/<int:pk>/grant/", member_api.GrantJoinRequest.as_view(), name="join-request-grant"),
    path("join-requests/<int:pk>/refuse/", member_api.RefuseJoinRequest.as_view(), name="join-request-refuse"),
]
