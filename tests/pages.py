"""A browser for the tests of pages: somebody signed in, in a workspace."""

from django.test import Client

from accounts.middleware import SESSION_KEY
from accounts.models import User, Workspace


def signed_in(user: User, workspace: Workspace | None = None) -> Client:
    client = Client()
    client.force_login(user)
    if workspace:
        session = client.session
        session[SESSION_KEY] = workspace.pk
        session.save()
    return client


def text_of(response) -> str:
    return " ".join(response.content.decode().split())
