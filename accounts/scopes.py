"""What a key is for: each call of the API needs one scope, which its view names as what it `reads` or `writes`.
NUMBERS opens no call: it says how numbers look in the answers (docs/adr/0073).

A scope never gives more than a key may anyway: see `accounts.access.permissions_by`.
"""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Scope(TextChoices):
    CAMPAIGNS_READ = "campaigns:read", _("see campaigns and what was decided on them")
    CAMPAIGNS_WRITE = "campaigns:write", _("write, submit, pause and cancel campaigns; send tests of them")
    MESSAGES = "messages", _("push messages into trigger campaigns, and see what became of each")
    LISTS_READ = "lists:read", _("see lists, with the lines that were left out")
    LISTS_WRITE = "lists:write", _("upload, archive and delete lists")
    SUPPRESSIONS_READ = "suppressions:read", _("see suppressed numbers")
    SUPPRESSIONS_WRITE = "suppressions:write", _("suppress numbers, and take them off where its role may")
    SENDERS_READ = "senders:read", _("see senders")
    SENDERS_WRITE = "senders:write", _("create senders and submit their revisions")
    REPORTS_READ = "reports:read", _("see what became of each recipient, and errors")
    EXPORTS = "exports", _("take results and suppressed numbers along as files")
    INBOUND_READ = "inbound:read", _("read messages from phones")
    CHANNELS_READ = "channels:read", _("see channels and routes")
    AUDIT_READ = "audit:read", _("read the ledger")
    MEMBERS_READ = "members:read", _("see members and, where its role may, whom the workspace invited")
    WORKSPACE_READ = (
        "workspace:read",
        _("see the limits and, where its role may, the keys and webhooks of the workspace"),
    )
    NUMBERS = "numbers", _("get whole numbers, where its role may see them: without it they are masked")
    # Beyond what a key of a workspace may, whatever its scopes: of personal tokens only.
    MEMBERS_WRITE = "members:write", _("invite, change and remove members, where its role may")
    WORKSPACE_WRITE = "workspace:write", _("set the limits, revoke keys and manage webhooks, where its role may")
    INQUIRIES = "inquiries", _("inquire about numbers, where its role may")
    ERASURES = "erasures", _("have numbers erased, where its role may")
    DECIDE = "decide", _("approve and reject, where its role and the workspace let a token do so")


OF_TOKENS = frozenset({Scope.MEMBERS_WRITE, Scope.WORKSPACE_WRITE, Scope.INQUIRIES, Scope.ERASURES, Scope.DECIDE})


def offered(*, to_token: bool) -> list[Scope]:
    """What a token, or a key of the workspace, can be given; in the order of the table."""
    return [scope for scope in Scope if to_token or scope not in OF_TOKENS]


def in_order(wanted: Iterable[str]) -> list[str]:
    """As it is stored: once each, in the order of the table."""
    chosen = set(wanted)
    return [str(scope) for scope in Scope if scope in chosen]
