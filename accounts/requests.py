"""The request of a page, as WorkspaceMiddleware and `requires` leave it."""

from django.http import HttpRequest

from accounts.models import Membership, User, Workspace
from accounts.roles import Permission


class PageRequest(HttpRequest):
    user: User
    workspace: Workspace
    membership: Membership | None
    permissions: frozenset[Permission]
    only_looks: bool
    LANGUAGE_CODE: str
