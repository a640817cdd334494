"""Signing in and out, the profile, who belongs to a workspace, and the workspace switcher."""

from django.urls import path

from accounts import (
    invitation_views,
    join_views,
    key_views,
    member_views,
    reset_views,
    rule_views,
    sign_in_views,
    views,
)

urlpatterns = [
    path("login/", sign_in_views.SignIn.as_view(), name="login"),
    path("logout/", sign_in_views.sign_out, name="logout"),
    path("password/", reset_views.forgotten, name="forgotten"),
    path("password/new/", reset_views.reset, name="reset_password"),
    path("password/link/<str:token>/", reset_views.open_link, name="open_reset"),
    path("workspaces/<int:pk>/enter/", views.enter, name="enter"),
    path("workspaces/<int:pk>/look/", views.look, name="look"),
    path("preferences/", views.prefer, name="prefer"),
    path("profile/", views.profile, name="profile"),
    path("profile/look/", views.choose_look, name="choose_look"),
    path("profile/password/", views.change_password, name="change_password"),
    path("profile/sessions/end/", sign_in_views.end_all, name="end_sessions"),
    path("profile/sessions/<str:handle>/end/", sign_in_views.end_one, name="end_session"),
    path("members/", member_views.index, name="members"),
    path("members/<int:pk>/", member_views.change, name="change_member"),
    path("members/<int:pk>/remove/", member_views.remove, name="remove_member"),
    path("members/leave/", member_views.leave, name="leave"),
    path("members/invite/", invitation_views.invite, name="invite"),
    path("members/invitations/<int:pk>/resend/", invitation_views.resend, name="resend_invitation"),
    path("members/invitations/<int:pk>/revoke/", invitation_views.revoke, name="revoke_invitation"),
    path("members/requests/taking/", join_views.take, name="take_requests"),
    path("members/requests/<int:pk>/", join_views.decide, name="join_request"),
    path("members/requests/<int:pk>/grant/", join_views.grant, name="grant_request"),
    path("members/requests/<int:pk>/refuse/", join_views.refuse, name="refuse_request"),
    path("members/rules/", rule_views.rules, name="rules"),
    path("keys/", key_views.index, name="keys"),
    path("keys/token/", key_views.new_token, name="new_token"),
    path("keys/new/", key_views.new_key, name="new_key"),
    path("keys/<int:pk>/revoke/", key_views.revoke, name="revoke_key"),
    path("join/", join_views.ask, name="join"),
    path("invitation/", invitation_views.accept, name="invitation"),
    path("invitation/<str:token>/", invitation_views.open_link, name="open_invitation"),
]
