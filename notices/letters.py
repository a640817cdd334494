"""Who is told of an entry of the ledger, and in which words: each reader in their own language.

Letters hold names and reasons, never numbers of recipients or texts of messages.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts import invitations, resets
from accounts.models import Invitation, JoinRequest, Membership, User, Workspace
from accounts.roles import Role
from accounts.statuses import JoinRequestStatus
from audit.models import Entry
from campaigns import eyes
from campaigns.models import Campaign
from campaigns.statuses import Status
from senders.models import Revision
from senders.statuses import RevisionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    to: str
    subject: str
    text: str


def of(entry: Entry) -> list[Letter]:
    """To everybody who is to be told; nobody is told of what they did themselves."""
    return LETTERS[entry.action](entry)


def _campaign_submitted(entry: Entry) -> list[Letter]:
    """Also when the first of two has approved it: whoever acted is not among the readers."""
    campaign = _campaign(entry)
    if campaign is None or campaign.status != Status.IN_REVIEW:  # taken back, or decided by now
        return []
    kept_out = eyes.kept_out(campaign)
    readers = [user for user in _judges(campaign.workspace) if user.pk not in kept_out]
    link = reverse("admin:moderation_campaigninreview_change", args=[campaign.pk])
    name = "campaign_voted" if entry.action == "campaign.voted" else "campaign_submitted"
    return _letters(name, entry, campaign, readers, workspace=campaign.workspace, link=link)


def _campaign_decided(name: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        campaign = _campaign(entry)
        if campaign is None:
            return []
        readers = _still_here(campaign.workspace, {campaign.created_by_id, campaign.submitted_by_id})
        link = reverse("campaigns:detail", args=[campaign.pk])
        return _letters(name, entry, campaign, readers, workspace=campaign.workspace, link=link)

    return letters


def _by_the_system(letters: Callable[[Entry], list[Letter]]) -> Callable[[Entry], list[Letter]]:
    """What a person stopped needs no letter: they know, and the others see it on the page."""
    return lambda entry: [] if entry.actor_id else letters(entry)


def _revision_submitted(entry: Entry) -> list[Letter]:
    revision = _revision(entry)
    if revision is None or revision.status != RevisionStatus.PENDING:
        return []
    workspace = revision.sender.workspace
    wrote = {revision.submitted_by_id} if workspace.four_eyes else set()
    readers = [user for user in _judges(workspace) if user.pk not in wrote]
    link = reverse("admin:moderation_revisioninreview_change", args=[revision.pk])
    return _letters("revision_submitted", entry, revision, readers, workspace=workspace, link=link)


def _revision_decided(name: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        revision = _revision(entry)
        if revision is None:
            return []
        workspace = revision.sender.workspace
        readers = _still_here(workspace, {revision.submitted_by_id})
        link = reverse("senders:detail", args=[revision.sender_id])
        return _letters(name, entry, revision, readers, workspace=workspace, link=link)

    return letters


def _invitation_sent(entry: Entry) -> list[Letter]:
    """The only letter that goes to somebody who may have no account, and whatever their wish: it holds the way in."""
    found = Invitation.objects.pending().filter(pk=entry.subject_id).select_related("workspace", "invited_by").first()
    newest = Entry.objects.of(found.workspace).filter(action__in=INVITING).about(found) if found else None
    if found is None or newest is None or newest.order_by("-seq").values_list("pk", flat=True).first() != entry.pk:
        return []
    account = User.objects.filter(email__iexact=found.email).first()
    speaks = (account.language if account else "") or found.invited_by.language
    link = reverse("open_invitation", args=[invitations.token_of(found)])
    told = _told(entry, found, found.workspace, link)
    return [_letter("invitation_sent", told, to=found.email, language=speaks, zone=found.workspace.zone)]


def _asked_to_join(entry: Entry) -> list[Letter]:
    asked = _join_request(entry)
    if asked is None or asked.status != JoinRequestStatus.PENDING:
        return []
    admins = Membership.objects.of(asked.workspace).active().admins().select_related("user").order_by("pk")
    readers = [membership.user for membership in admins]
    link = reverse("join_request", args=[asked.pk])
    return _letters("join_request_created", entry, asked, readers, workspace=asked.workspace, link=link)


def _join_request_decided(name: str) -> Callable[[Entry], list[Letter]]:
    def letters(entry: Entry) -> list[Letter]:
        asked = _join_request(entry)
        if asked is None:
            return []
        return _letters(name, entry, asked, [asked.user], workspace=asked.workspace, link=reverse("profile"))

    return letters


def _reset_asked(entry: Entry) -> list[Letter]:
    """As an invitation: it holds the way in, whatever their wish. Who has no account is not told anything."""
    person = _person(entry)
    if person is None or not resets.may_reset(person):
        return []
    link = reverse("open_reset", args=[resets.token_of(person, asked_at=entry.at)])
    return [_to_person("reset_asked", entry, person, link, until=entry.at + resets.GOOD_FOR)]


def _password_changed(entry: Entry) -> list[Letter]:
    """Whatever their wish, and above all when they did it themselves: it may have been somebody else."""
    person = _person(entry) if entry.actor_id else None  # the demo makes its people
    return [_to_person("password_changed", entry, person, reverse("forgotten"))] if person else []


def _second_step_changed(entry: Entry) -> list[Letter]:
    person = _person(entry)
    return [_to_person("second_step_changed", entry, person, reverse("second_steps"))] if person else []


def _webhook_disabled(entry: Entry) -> list[Letter]:
    """To the admins. What the room of webhooks says in its entry is enough: it stands beside this one."""
    workspace = Workspace.objects.get(pk=entry.chain)
    admins = Membership.objects.of(workspace).active().admins().select_related("user").order_by("pk")
    link = reverse("webhooks:detail", args=[entry.subject_id])
    readers = [membership.user for membership in admins]
    return _letters("webhook_disabled", entry, workspace, readers, workspace=workspace, link=link)


INVITING = ("invitation.created", "invitation.resent")
LETTERS: dict[str, Callable[[Entry], list[Letter]]] = {
    "campaign.in_review": _campaign_submitted,
    "campaign.voted": _campaign_submitted,
    "campaign.approved": _campaign_decided("campaign_approved"),
    "campaign.rejected": _campaign_decided("campaign_rejected"),
    "campaign.missed": _campaign_decided("campaign_missed"),
    "campaign.failed": _by_the_system(_campaign_decided("campaign_failed")),
    "campaign.paused": _by_the_system(_campaign_decided("campaign_paused")),
    "revision.submitted": _revision_submitted,
    "revision.approved": _revision_decided("revision_approved"),
    "revision.rejected": _revision_decided("revision_rejected"),
    **dict.fromkeys(INVITING, _invitation_sent),
    "endpoint.disabled": _by_the_system(_webhook_disabled),
    "joinrequest.created": _asked_to_join,
    "joinrequest.granted": _join_request_decided("join_request_granted"),
    "joinrequest.refused": _join_request_decided("join_request_refused"),
    "user.reset_asked": _reset_asked,
    "user.password_reset": _password_changed,
    "user.password_set": _password_changed,
    "user.second_step_added": _second_step_changed,
    "user.second_step_removed": _second_step_changed,
    "user.second_step_reset": _second_step_changed,
    "user.recovery_codes_renewed": _second_step_changed,
}


def _campaign(entry: Entry) -> Campaign | None:
    found = Campaign.objects.without_trials().filter(pk=entry.subject_id)  # whoever sent a test is looking at it
    return found.select_related("workspace", "sender", "list", "created_by", "submitted_by").first()


def _revision(entry: Entry) -> Revision | None:
    return Revision.objects.filter(pk=entry.subject_id).select_related("sender__workspace", "submitted_by").first()


def _join_request(entry: Entry) -> JoinRequest | None:
    return JoinRequest.objects.filter(pk=entry.subject_id).select_related("workspace", "user").first()


def _person(entry: Entry) -> User | None:
    return User.objects.filter(pk=entry.subject_id, is_active=True).first() if entry.subject_type == "user" else None


def _judges(workspace: Workspace) -> list[User]:
    """The moderators. An admin may decide as well, and is asked where nobody else is there to."""
    members = Membership.objects.of(workspace).active().select_related("user").order_by("pk")
    judging = list(members.moderators()) or list(members.filter(role=Role.ADMIN))
    return [membership.user for membership in judging]


def _still_here(workspace: Workspace, user_ids: Iterable[int | None]) -> list[User]:
    wanted = [pk for pk in user_ids if pk]
    members = Membership.objects.of(workspace).active().filter(user__in=wanted).select_related("user")
    return [membership.user for membership in members.order_by("pk")]


def _letters(
    name: str,
    entry: Entry,
    subject: Campaign | Revision | JoinRequest | Workspace,
    readers: Sequence[User],
    *,
    workspace: Workspace,
    link: str,
) -> list[Letter]:
    told = _told(entry, subject, workspace, link)
    return [
        _letter(name, told, to=reader.email, language=reader.language, zone=workspace.zone)
        for reader in readers
        if reader.wants_mail and reader.pk != entry.actor_id
    ]


def _to_person(name: str, entry: Entry, person: User, link: str, **more: object) -> Letter:
    """Of what is theirs alone and no workspace's."""
    told = {"entry": entry, "link": f"{settings.PUBLIC_URL}{link}", **more}
    return _letter(name, told, to=person.email, language=person.language, zone=UTC)


def _told(entry: Entry, subject: object, workspace: Workspace, link: str) -> dict[str, object]:
    return {"subject": subject, "entry": entry, "workspace": workspace, "link": f"{settings.PUBLIC_URL}{link}"}


def _letter(name: str, told: dict[str, object], *, to: str, language: str, zone: tzinfo) -> Letter:
    with translation.override(language or settings.LANGUAGE_CODE), timezone.override(zone):
        shown = render_to_string(f"notices/{name}.txt", told).strip()
    headline, _, text = shown.partition("\n")
    return Letter(to=to, subject=headline.strip(), text=f"{text.strip()}\n")
