"""The main pages, by who reads them: a row for each, with what stands in its address."""

from collections.abc import Callable

from tests.filled import Filled

Address = Callable[[Filled], str]


def campaign(status: str, tab: str = "") -> Address:
    return lambda filled: f"/campaigns/{filled.campaigns[status].pk}/{f'?tab={tab}' if tab else ''}"


PAGES: dict[str, dict[str, Address]] = {
    "author": {
        "dashboard": lambda filled: "/",
        "campaigns": lambda filled: "/campaigns/",
        "campaigns-none": lambda filled: "/campaigns/?q=nothing-like-this",
        "campaign-new": lambda filled: "/campaigns/new/",
        "campaign-edit": lambda filled: f"/campaigns/{filled.campaigns['draft'].pk}/edit/",
        "campaign-draft": campaign("draft"),
        "campaign-sending": campaign("sending"),
        "campaign-errors": campaign("done", "errors"),
        "campaign-content": campaign("in_review", "content"),
        "campaign-history": campaign("rejected", "history"),
        "campaign-failed": campaign("failed"),
        "lists": lambda filled: "/lists/",
        "list-new": lambda filled: "/lists/new/",
        "list-ready": lambda filled: f"/lists/{filled.ready.pk}/",
        "list-failed": lambda filled: f"/lists/{filled.failed.pk}/",
        "list-delete": lambda filled: f"/lists/{filled.ready.pk}/delete/",
        "suppressed": lambda filled: "/lists/suppressed/",
        "senders": lambda filled: "/senders/",
        "sender": lambda filled: f"/senders/{filled.sender.pk}/",
        "profile": lambda filled: "/profile/",
        "password": lambda filled: "/profile/password/",
        "members": lambda filled: "/members/",
        "not-found": lambda filled: "/lists/999999/",
        "forbidden": lambda filled: "/senders/new/",
    },
    "moderator": {
        "desk": lambda filled: "/admin/",
        "desk-queue": lambda filled: "/admin/moderation/campaigninreview/",
        "desk-review": lambda filled: f"/admin/moderation/campaigninreview/{filled.campaigns['in_review'].pk}/change/",
        "desk-senders": lambda filled: "/admin/moderation/revisioninreview/",
    },
    "admin": {
        "members-managed": lambda filled: "/members/",
        "member": lambda filled: f"/members/{filled.workspace.memberships.get(user=filled.author).pk}/",
        "sender-new": lambda filled: "/senders/new/",
        "suppressed-managed": lambda filled: "/lists/suppressed/",
    },
    "": {"login": lambda filled: "/login/"},
}
# Each page in both themes and at both widths, in two looks: a finding of one is seldom a matter of the pair.
LOOKS = {"light on a phone": ("light", 390), "dark on a desk": ("dark", 1280)}
