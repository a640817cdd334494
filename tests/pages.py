"""A browser for the tests of pages: somebody signed in, in a workspace."""

from django.test import Client

from accounts.models import User, Workspace
from accounts.visits import STEP, WORKSPACE, Step


def signed_in(user: User, workspace: Workspace | None = None) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[STEP] = Step.NONE  # as `visits.begin` says of somebody without a second one
    if workspace:
        session[WORKSPACE] = workspace.pk
    session.save()
    return client


def text_of(response) -> str:
    return " ".join(response.content.decode().split())
