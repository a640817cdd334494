"""Signing in and out, the profile, the members, and the workspace switcher."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from accounts import views

sign_in = LoginView.as_view(template_name="accounts/login.html", redirect_authenticated_user=True)
urlpatterns = [
    path("login/", sign_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("workspaces/<int:pk>/enter/", views.enter, name="enter"),
    path("preferences/", views.prefer, name="prefer"),
    path("profile/", views.profile, name="profile"),
    path("profile/look/", views.choose_look, name="choose_look"),
    path("profile/password/", views.change_password, name="change_password"),
    path("members/", views.index, name="members"),
    path("members/add/", views.add_member, name="add_member"),
    path("members/<int:pk>/", views.change_member, name="change_member"),
    path("members/<int:pk>/remove/", views.remove_member, name="remove_member"),
]
