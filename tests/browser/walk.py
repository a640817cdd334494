"""The main pages, by who reads them: a row for each, with what stands in its address."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from accounts import resets, unsent
from accounts.models import User
from campaigns.models import SavedText
from recipients.models import Suppression, SuppressionImport
from senders.models import Revision
from senders.statuses import RevisionStatus
from tests.filled import LONG_NAME, TEXT, Filled

Address = Callable[[Filled], str]


def _waiting(filled: Filled) -> int:
    return Revision.objects.get(sender=filled.sender, status=RevisionStatus.PENDING).pk


def _unsent(filled: Filled) -> str:
    """The handle of a form that the author had typed."""
    page = "/campaigns/texts/new/"
    fields = [("name", LONG_NAME), ("text", f"{TEXT}\n\n{TEXT}")]
    form = unsent.Form(path=page, page=page, fields=fields, files=["contract.pdf"], secrets=["password"])
    return unsent.put(form, of=filled.author, now=timezone.now())


def _token(filled: Filled) -> str:
    """Of the letter that leads to a new password."""
    return resets.token_of(User.objects.get(pk=filled.author.pk), asked_at=timezone.now())


def first(model: Any, path: str) -> Address:
    """Of the rows of the workspace."""
    return lambda filled: path % model.objects.of(filled.workspace).order_by("pk").first().pk


def campaign(status: str, tab: str = "") -> Address:
    return lambda filled: f"/campaigns/{filled.campaigns[status].pk}/{f'?tab={tab}' if tab else ''}"


REGISTERS = (
    *(
        "accounts/user",
        "accounts/workspace",
        "accounts/membership",
        "accounts/invitation",
        "senders/sender",
        "senders/revision",
    ),
    *("channels/channel", "channels/route", "audit/entry", "moderation/cannedreason", "moderation/blockedterm"),
    *("recipients/suppression", "recipients/suppressionimport", "accounts/joinrequest"),
    *("delivery/inbound", "delivery/halt", "delivery/chunk", "delivery/incident"),
)


def step(name: str) -> Address:
    return lambda filled: f"/campaigns/{filled.campaigns['draft'].pk}/edit/{name}/"


def at(path: str) -> Address:
    return lambda filled: path


def register(name: str) -> Address:
    return at(f"/admin/{name}/")


NOWHERE = "/nothing/here/"
PAGES: dict[str, dict[str, Address]] = {
    "author": {
        "dashboard": lambda filled: "/",
        "campaigns": lambda filled: "/campaigns/",
        "campaigns-none": lambda filled: "/campaigns/?q=nothing-like-this",
        "campaign-new": lambda filled: "/campaigns/new/",
        **{f"campaign-{name}": step(name) for name in ("mode", "message", "recipients", "time", "review")},
        **{f"campaign-{status}": campaign(status) for status in ("draft", "in_review", "rejected", "approved")},
        **{f"campaign-{status}": campaign(status) for status in ("missed", "sending", "paused", "done", "failed")},
        "campaign-recipients-tab": campaign("done", "recipients"),
        "campaign-errors": campaign("done", "errors"),
        "campaign-errors-none": campaign("draft", "errors"),
        "campaign-content": campaign("in_review", "content"),
        "campaign-sealed": campaign("done", "content"),
        "campaign-history": campaign("rejected", "history"),
        "campaign-exports": campaign("done", "exports"),
        "texts": lambda filled: "/campaigns/texts/",
        "text": first(SavedText, "/campaigns/texts/%s/"),
        "text-new": lambda filled: "/campaigns/texts/new/",
        "statistics": lambda filled: "/statistics/",
        "ledger": lambda filled: "/ledger/",
        "lists": lambda filled: "/lists/",
        "list-new": lambda filled: "/lists/new/",
        "list-ready": lambda filled: f"/lists/{filled.ready.pk}/",
        "list-failed": lambda filled: f"/lists/{filled.failed.pk}/",
        "list-delete": lambda filled: f"/lists/{filled.ready.pk}/delete/",
        "suppressed": lambda filled: "/lists/suppressed/",
        "suppression-import": first(SuppressionImport, "/lists/suppressed/imports/%s/"),
        "senders": lambda filled: "/senders/",
        "sender": lambda filled: f"/senders/{filled.sender.pk}/",
        "profile": lambda filled: "/profile/",
        "password": lambda filled: "/profile/password/",
        "unsent": lambda filled: f"/unsent/{_unsent(filled)}/",
        "second-steps": lambda filled: "/profile/second-step/",
        "confirm-app": lambda filled: "/profile/second-step/app/confirm/",
        "members": lambda filled: "/members/",
        **{name: at(f"/{name}/") for name in ("keys", "limits", "retention")},
        "rules": at("/members/rules/"),
        "trial-phones": at("/lists/test-phones/"),
        "token-new": at("/keys/token/"),
        "join": lambda filled: "/join/",
        "archive": lambda filled: "/archive/",
        "archive-none": lambda filled: "/archive/?q=nothing-like-this",
        "not-found": lambda filled: "/lists/999999/",
        "forbidden": lambda filled: "/senders/new/",
    },
    "moderator": {
        "dashboard-moderated": lambda filled: "/",
        "desk": lambda filled: "/admin/",
        "desk-queue": lambda filled: "/admin/moderation/campaigninreview/",
        "desk-review": lambda filled: f"/admin/moderation/campaigninreview/{filled.campaigns['in_review'].pk}/change/",
        "desk-senders": lambda filled: "/admin/moderation/revisioninreview/",
        "desk-revision": lambda filled: f"/admin/moderation/revisioninreview/{_waiting(filled)}/change/",
        "desk-decisions": register("moderation/decision"),
        "desk-campaigns": register("campaigns/campaign"),
    },
    "admin": {
        "members-managed": lambda filled: "/members/",
        "join-request": lambda filled: f"/members/requests/{filled.request.pk}/",
        "member": lambda filled: f"/members/{filled.workspace.memberships.get(user=filled.author).pk}/",
        "sender-new": lambda filled: "/senders/new/",
        "unsuppress": first(Suppression, "/lists/suppressed/%s/remove/"),
        "suppressed-managed": lambda filled: "/lists/suppressed/",
        "suppression-import-new": lambda filled: "/lists/suppressed/imports/new/",
        **{f"{name}-managed": at(f"/{name}/") for name in ("limits", "retention", "erasures", "inquiries")},
        "rules-managed": at("/members/rules/"),
        **{
            "webhooks": at("/webhooks/"),
            "webhook-new": at("/webhooks/new/"),
            "webhook": lambda filled: f"/webhooks/{filled.endpoint.pk}/",
            "webhook-edit": lambda filled: f"/webhooks/{filled.endpoint.pk}/edit/",
            "webhook-delivery": lambda filled: f"/webhooks/deliveries/{filled.ping.pk}/",
            "keys-managed": at("/keys/"),
            "trial-phones-managed": at("/lists/test-phones/"),
            "erasure": lambda filled: f"/erasures/{filled.erasure.pk}/",
            "erasure-done": lambda filled: f"/erasures/{filled.erased.pk}/",
            "inquiry": lambda filled: f"/inquiries/{filled.inquiry.pk}/",
            "inquiry-answered": lambda filled: f"/inquiries/{filled.answered.pk}/",
            "key-new": at("/keys/new/"),
            "standing": at("/exports/standing/"),
        },
    },
    "operator": {
        "desk-whole": lambda filled: "/admin/",
        "master": lambda filled: "/master/",
        "master-campaigns": lambda filled: "/master/campaigns/",
        **{f"desk-{name.rpartition('/')[2]}": register(name) for name in REGISTERS},
        "desk-channel": lambda filled: f"/admin/channels/channel/{filled.campaigns['sending'].channel_id}/change/",
        "desk-channel-new": lambda filled: "/admin/channels/channel/add/",
        "desk-channel-history": lambda filled: (
            f"/admin/channels/channel/{filled.campaigns['sending'].channel_id}/history/"
        ),
        "desk-route-new": lambda filled: "/admin/channels/route/add/",
        "desk-campaign": lambda filled: f"/admin/campaigns/campaign/{filled.campaigns['done'].pk}/change/",
        "desk-sender": lambda filled: f"/admin/senders/sender/{filled.sender.pk}/change/",
        "desk-workspace": lambda filled: f"/admin/accounts/workspace/{filled.workspace.pk}/change/",
        "desk-user": lambda filled: f"/admin/accounts/user/{filled.author.pk}/change/",
        "desk-second-step": lambda filled: f"/admin/accounts/user/{filled.author.pk}/second-step/",
        "desk-user-new": lambda filled: "/admin/accounts/user/add/",
        "desk-suppress": lambda filled: "/admin/recipients/suppression/add/",
        "desk-suppress-file": lambda filled: "/admin/recipients/suppressionimport/add/",
        "desk-stop": lambda filled: "/admin/delivery/halt/add/",
    },
    "": {
        "forgotten": at("/password/"),
        "password-new-over": at("/password/new/"),
        "password-new": lambda filled: f"/password/link/{_token(filled)}/",
        "login": lambda filled: "/login/",
        "invitation-over": lambda filled: "/invitation/",
        "signed-out-not-found": at(NOWHERE),
    },
}
# What is no page of its own: parts, files, and addresses that lead on.
PARTS = {
    *("notices:live", "moderation:decisions", "campaigns:with-list", "campaigns:chosen", "recipients:sample"),
    *(f"reports:{name}" for name in ("progress", "course", "content", "history", "recipients", "errors", "exports")),
    *("reports:forecast", "reports:trial", "reports:trials"),
}
FILES = {
    *("reports:ledger_file", "reports:statistics_file", "reports:inquiry_file", "reports:download"),
    *("recipients:rejected", "recipients:duplicates", "recipients:export_suppressed"),
    *("recipients:suppression_import_rejected", "senders:evidence", "reports:evidence_key", "reports:evidence_key_pem"),
}
LEADS_ON = {
    *("single_sign_on", "single_sign_on_callback", "open_invitation"),
    *("campaigns:edit", "campaigns:edit_list"),
}
# `test_security_keys` looks at these.
ELSEWHERE = {"second_step", "rename_key"}
# The ten main pages, which are looked at with every run of the tests.
MAIN = {
    "author": ("dashboard", "campaigns", "campaign-message", "campaign-sending", "list-ready", "sender"),
    "moderator": ("desk-queue", "desk-review"),
    "admin": ("members-managed",),
    "": ("login",),
}
# Each page in both themes and at both widths, in two looks: a finding of one is seldom a matter of the pair.
LOOKS = {"light on a phone": ("light", 390), "dark on a desk": ("dark", 1280)}
