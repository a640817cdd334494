"""Who may do what: design §8 as data."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    AUTHOR = "author", _("Author")
    MODERATOR = "moderator", _("Moderator")
    ADMIN = "admin", _("Admin")


class Permission(TextChoices):
    VIEW = "view", _("view campaigns, senders, lists and reports")
    WRITE = "write", _("create, edit, submit, pause, cancel and archive campaigns; upload lists; suppress numbers")
    DECIDE = "decide", _("approve and reject campaigns and sender revisions")
    CREATE_SENDERS = "create_senders", _("create senders")
    SUBMIT_REVISIONS = "submit_revisions", _("submit sender revisions")
    SEE_NUMBERS = "see_numbers", _("see whole numbers")
    PROVE = "prove", _("take signed evidence along, and inquire about a number")
    UNSUPPRESS = "unsuppress", _("take numbers off the suppression list")
    MANAGE = "manage", _("manage members, API keys and workspace settings")


P = Permission
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AUTHOR: frozenset({P.VIEW, P.WRITE, P.SUBMIT_REVISIONS, P.SEE_NUMBERS}),
    Role.MODERATOR: frozenset({P.VIEW, P.DECIDE, P.SUBMIT_REVISIONS, P.PROVE}),
    Role.ADMIN: frozenset(P),
}
WRITING_ROLES = [role for role in Role if P.WRITE in PERMISSIONS[role]]
DECIDING_ROLES = [role for role in Role if P.DECIDE in PERMISSIONS[role]]
# A workspace's key acts for a program: it works, it never judges and never hands out access.
KEY_PERMISSIONS: frozenset[Permission] = frozenset(
    {P.VIEW, P.WRITE, P.CREATE_SENDERS, P.SUBMIT_REVISIONS, P.SEE_NUMBERS}
)


def permissions_of(role: Role | str, *, is_moderator: bool = False) -> frozenset[Permission]:
    granted = PERMISSIONS[Role(role)]
    return granted | {P.DECIDE} if is_moderator else granted
