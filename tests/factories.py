"""Plain functions with honest defaults; a status that people decide is reached through the verbs that they use.

A campaign that is sending, or has ended, comes without a trace of dispatch: `tests.evidence` leaves that.
"""

import io
import itertools
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import invitations, join_requests, keys
from accounts.models import ApiKey, Invitation, JoinRequest, Membership, User, Workspace
from accounts.roles import Permission, Role
from audit.ledger import change_status
from campaigns import drafts, saved_texts, transitions, trials
from campaigns.models import Campaign, SavedText
from campaigns.statuses import MOVES, Mode, Status
from channels import accounts as channel_accounts
from channels import routes
from channels.models import Channel, Route
from delivery.statuses import MessageState
from moderation import decisions
from recipients import chunks, suppression_imports, trial_phones, uploads
from recipients import transitions as list_transitions
from recipients.models import RecipientList, SuppressionImport
from recipients.statuses import MOVES as LIST_MOVES
from recipients.statuses import Status as ListStatus
from reports import standing
from reports.models import DayCount, StandingExport
from senders import transitions as sender_transitions
from senders.models import Revision, Sender
from webhooks import endpoints
from webhooks.models import Endpoint
from webhooks.statuses import Event

PASSWORD = "correct horse battery"
FIRST_NUMBER = 31_600_000_001
FIRST_TRIAL_PHONE = 31_620_000_000
_next = itertools.count(1)


# --- People -----------------------------------------------------------------------------------------------------------


def user(email: str = "", **fields) -> User:
    return User.objects.create_user(email or f"person{next(_next)}@acme.example", PASSWORD, **fields)


def workspace(name: str = "", **fields) -> Workspace:
    number = next(_next)
    wanted = {"name": name or f"Acme {number}", "slug": f"acme-{number}", "country": "NL", **fields}
    return Workspace.objects.create(**wanted)


def membership(workspace: Workspace, role: Role = Role.AUTHOR, **fields) -> Membership:
    return Membership.objects.create(workspace=workspace, user=fields.pop("user", None) or user(), role=role, **fields)


def member(workspace: Workspace, role: Role = Role.AUTHOR, **fields) -> User:
    return membership(workspace, role, **fields).user


def somebody(workspace: Workspace, role: Role) -> User:
    """Any member with this role; a new one when there is none."""
    found = Membership.objects.of(workspace).filter(role=role).order_by("pk").first()
    return found.user if found else member(workspace, role)


def api_key(workspace: Workspace, **fields) -> tuple[ApiKey, str]:
    by = fields.pop("by", None) or somebody(workspace, Role.ADMIN)
    return keys.create(workspace, **{"name": "a program", "now": timezone.now(), **fields}, by=by)


def token(workspace: Workspace, user: User, **fields) -> str:
    return keys.create(workspace, **{"name": "a token", "now": timezone.now(), **fields}, by=user, user=user)[1]


def invitation(workspace: Workspace, email: str = "", **fields) -> Invitation:
    wanted = {"role": Role.AUTHOR, "by": somebody(workspace, Role.ADMIN), "now": timezone.now(), **fields}
    return invitations.invite(workspace.pk, email=email or f"guest{next(_next)}@acme.example", **wanted)


def join_request(workspace: Workspace, by: User | None = None, message: str = "It is me.") -> JoinRequest:
    by = by or user()
    join_requests.ask(by.pk, wanted=workspace.slug, message=message, now=timezone.now())
    return JoinRequest.objects.of(workspace).pending().get(user=by)


def bearer(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


# --- What a campaign needs --------------------------------------------------------------------------------------------


def revision(
    sender: Sender, saddr: str = "Acme", *, approved: bool = True, evidence: ContentFile | None = None
) -> Revision:
    by = somebody(sender.workspace, Role.ADMIN)
    submitted = sender_transitions.submit_revision(
        sender.pk, saddr=saddr, by=by, reason="Our brand.", evidence=evidence
    )
    if not approved:
        return submitted
    moderator = somebody(sender.workspace, Role.MODERATOR)
    return sender_transitions.approve_revision(submitted.pk, by=moderator, now=timezone.now())


def sender(workspace: Workspace, name: str = "", *, approved: bool = True) -> Sender:
    by = somebody(workspace, Role.ADMIN)
    made = sender_transitions.create(workspace, name=name or f"Shop {next(_next)}", by=by)
    if approved:
        revision(made)
        made.refresh_from_db()
    return made


def channel(name: str = "main", **fields) -> Channel:
    """A carrier where nobody listens: a test that sends names the port of its simulator."""
    wanted = {"host": "127.0.0.1", "port": 9, "system_id": "demo", "window": 100, "is_default": True, **fields}
    return channel_accounts.save(name, by=None, password="demo", **wanted)


def route(name: str, weights: dict[Channel, int], *, backups: tuple[Channel, ...] = (), **fields) -> Route:
    if not weights:  # as nobody could make it
        return Route.objects.create(name=name, **fields)
    members = [routes.Member(channel=one, weight=weight) for one, weight in weights.items()]
    members += [routes.Member(channel=one, is_backup=True) for one in backups]
    return routes.save(name, by=None, members=members, **fields)


@transaction.atomic
def uploading_list(workspace: Workspace, name: str = "", **fields) -> RecipientList:
    by = fields.pop("by", None) or somebody(workspace, Role.AUTHOR)
    return RecipientList.objects.create(
        workspace=workspace, name=name or f"List {next(_next)}", filename="numbers.txt", created_by=by, **fields
    )


@transaction.atomic
def ready_list(
    workspace: Workspace,
    count: int = 3,
    *,
    numbers: list[int] | None = None,
    chunk_size: int = 10_000,
    invalid: int = 0,
    duplicate: int = 0,
    columns: Sequence[str] = (),
    cells: Sequence[Sequence[str]] = (),
    lines: Sequence[int] | None = (),
    **fields,
) -> RecipientList:
    """A prepared list with its chunk objects and manifest in storage; `cells` are those of each recipient, `lines`
    where each stood in the file: from 1 on where nothing is said, None as lists of before have none."""
    made = uploading_list(workspace, **fields)
    accepted = np.array(numbers or range(FIRST_NUMBER, FIRST_NUMBER + count), dtype=np.uint64)
    entries = []
    stood = None if lines is None else np.array(lines or range(1, len(accepted) + 1), dtype=np.uint32)
    for number, begin in enumerate(range(0, len(accepted), chunk_size)):
        others = "".join("\t".join(row) + "\n" for row in cells[begin : begin + chunk_size])
        on_lines = None if stood is None else stood[begin : begin + chunk_size]
        data = chunks.encode(accepted[begin : begin + chunk_size], others.encode(), on_lines)
        key = default_storage.save(f"lists/{made.pk}/1/{number:05}", ContentFile(data))
        entries.append(chunks.entry_for(number, key, data))
    totals = chunks.Totals(
        rows=len(accepted) + invalid + duplicate,
        accepted=len(accepted),
        invalid=invalid,
        duplicate=duplicate,
        suppressed=0,
    )
    manifest = chunks.Manifest(tuple(entries), totals, tuple(columns))
    made.columns = list(columns)
    made.rows, made.accepted, made.invalid, made.duplicate = totals.rows, len(accepted), invalid, duplicate
    made.digest, made.progress, made.ready_at = manifest.digest, 100, timezone.now()
    made.manifest_key = default_storage.save(f"lists/{made.pk}/1/manifest", ContentFile(manifest.to_bytes()))
    change_status(made, ListStatus.PREPARING, moves=LIST_MOVES, by=made.created_by)
    made.save()
    change_status(made, ListStatus.READY, moves=LIST_MOVES, by=None)
    return made


@transaction.atomic
def failed_list(workspace: Workspace, failure: str = "There is no valid number in this file.") -> RecipientList:
    made = uploading_list(workspace)
    made.failure = failure
    change_status(made, ListStatus.FAILED, moves=LIST_MOVES, by=None, also_save=["failure"])
    return made


def suppression_import(workspace: Workspace | None, **fields) -> SuppressionImport:
    """One that awaits its file."""
    by = fields.pop("by", None) or (somebody(workspace, Role.AUTHOR) if workspace else user(is_superuser=True))
    given = {"filename": "stop.txt", "reason": "From the old system.", "country": "NL", **fields}
    return suppression_imports.create(workspace, **given, by=by)


def preparing_list(workspace: Workspace, body: bytes = b"+31600000001\n", **fields) -> RecipientList:
    """With its file in storage, and nobody at work on it yet."""
    wanted = {
        "name": f"List {next(_next)}",
        "filename": "numbers.txt",
        "by": somebody(workspace, Role.AUTHOR),
        **fields,
    }
    return uploads.create_with_file(workspace, io.BytesIO(body), length=len(body), **wanted)


def cancelled_list(workspace: Workspace) -> RecipientList:
    made = preparing_list(workspace)
    return list_transitions.cancel(made.pk, by=made.created_by)


def deleted_list(workspace: Workspace) -> RecipientList:
    made = ready_list(workspace)
    list_transitions.delete(made.pk, by=made.created_by)
    made.refresh_from_db()
    return made


LIST_IN = {
    ListStatus.UPLOADING: uploading_list,
    ListStatus.PREPARING: preparing_list,
    ListStatus.READY: ready_list,
    ListStatus.FAILED: failed_list,
    ListStatus.CANCELLED: cancelled_list,
    ListStatus.DELETED: deleted_list,
}


# --- Campaigns --------------------------------------------------------------------------------------------------------


def content(workspace: Workspace, **given) -> drafts.Content:
    """Something to send: on approval, to three recipients."""
    given.setdefault("name", f"Spring sale {next(_next)}")
    given.setdefault("mode", Mode.ON_APPROVAL)
    given.setdefault("text", "Everything at half price until Sunday.")
    given["sender"] = given.get("sender") or sender(workspace)
    if given["mode"] == Mode.TRIGGER:
        given.setdefault("not_after", timezone.now() + timedelta(days=30))
    else:
        given["list"] = given.get("list") or ready_list(workspace)
    if given.get("route") is None:
        given["channel"] = given.get("channel") or Channel.objects.default() or channel()
    return drafts.Content(**given)


def draft(workspace: Workspace, *, by: User | None = None, now: datetime | None = None, **given) -> Campaign:
    by = by or somebody(workspace, Role.AUTHOR)
    return drafts.create(workspace, content(workspace, **given), by=by, now=now or timezone.now())


def in_review(workspace: Workspace, **given) -> Campaign:
    made = draft(workspace, **given)
    return transitions.submit(made.pk, by=made.created_by, now=given.get("now") or timezone.now())


def rejected(workspace: Workspace, reason: str = "Name the shop.", **given) -> Campaign:
    made = in_review(workspace, **given)
    moderator = somebody(workspace, Role.MODERATOR)
    return decisions.reject_campaign(made.pk, by=moderator, now=timezone.now(), reason=reason)


def approved(workspace: Workspace, **given) -> Campaign:
    """With the default mode it is due at once."""
    made = in_review(workspace, **given)
    moderator = somebody(workspace, Role.MODERATOR)
    return decisions.approve_campaign(made.pk, by=moderator, now=given.get("now") or timezone.now())


def missed(workspace: Workspace, **given) -> Campaign:
    """Approved a minute after its minute."""
    send_at = timezone.now() + timedelta(minutes=1)
    made = in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at, **given)
    moderator = somebody(workspace, Role.MODERATOR)
    return decisions.approve_campaign(made.pk, by=moderator, now=send_at + timedelta(minutes=1))


def sending(workspace: Workspace, **given) -> Campaign:
    return _moved(approved(workspace, **given), Status.SENDING, started_at=timezone.now())


def paused(workspace: Workspace, **given) -> Campaign:
    made = sending(workspace, **given)
    return transitions.pause(made.pk, by=made.created_by, reason="A typo.")


def done(workspace: Workspace, **given) -> Campaign:
    return _moved(sending(workspace, **given), Status.DONE, finished_at=timezone.now())


def expired(workspace: Workspace, **given) -> Campaign:
    return _moved(sending(workspace, **given), Status.EXPIRED, finished_at=timezone.now())


def failed(workspace: Workspace, reason: str = "The seal does not match.", **given) -> Campaign:
    made = sending(workspace, **given)
    return _moved(made, Status.FAILED, finished_at=timezone.now(), stopped_because=reason)


def cancelled(workspace: Workspace, **given) -> Campaign:
    made = draft(workspace, **given)
    return transitions.cancel(made.pk, by=made.created_by, now=timezone.now(), reason="Changed our minds.")


def trigger(workspace: Workspace, **given) -> Campaign:
    """Approved, and started: it takes messages."""
    return sending(workspace, mode=Mode.TRIGGER, **given)


def called_off(workspace: Workspace, **given) -> Campaign:
    """Cancelled while it was sending."""
    made = sending(workspace, **given)
    return transitions.cancel(made.pk, by=made.created_by, now=timezone.now(), reason="Sold out.")


CAMPAIGN_IN = {
    Status.DRAFT: draft,
    Status.IN_REVIEW: in_review,
    Status.REJECTED: rejected,
    Status.APPROVED: approved,
    Status.MISSED: missed,
    Status.SENDING: sending,
    Status.PAUSED: paused,
    Status.DONE: done,
    Status.EXPIRED: expired,
    Status.CANCELLED: cancelled,
    Status.FAILED: failed,
}


def campaign(workspace: Workspace, status: Status = Status.DRAFT, **given) -> Campaign:
    return CAMPAIGN_IN[status](workspace, **given)


@transaction.atomic
def _moved(campaign: Campaign, to: Status, **changes) -> Campaign:
    locked = Campaign.objects.lock(campaign.pk)
    for name, value in changes.items():
        setattr(locked, name, value)
    change_status(locked, to, moves=MOVES, by=None, also_save=list(changes))
    return locked


# --- Test sends -------------------------------------------------------------------------------------------------------


def trial_phone(workspace: Workspace, phone: int = 0, *, whose: str = "Ann") -> int:
    """E.164 digits of a phone that a test may be sent to."""
    phone = phone or FIRST_TRIAL_PHONE + next(_next)
    trial_phones.add(workspace, f"+{phone}", whose=whose, by=somebody(workspace, Role.ADMIN))
    return phone


def trial(workspace: Workspace, count: int = 1, *, of: Campaign | None = None, **given) -> Campaign:
    """A test send that the clock may start, to phones of its own."""
    of = of or draft(workspace)
    to = [f"+{trial_phone(workspace)}" for _ in range(count)]
    return trials.send(of.pk, to=to, by=of.created_by, now=timezone.now(), **given)


def day_count(campaign: Campaign, day: date | None = None, **given) -> DayCount:
    """So many messages of a day, delivered unless something else is given."""
    given = {"state": MessageState.DELIVERED, "messages": 1, "parts": 1, **given}
    of = {"workspace": campaign.workspace, "campaign": campaign, "sender": campaign.sender, "channel": campaign.channel}
    return DayCount.objects.create(**of, day=day or timezone.localdate(), **given)


def saved_text(workspace: Workspace, name: str = "", *, text: str = "Half price.", by: User | None = None) -> SavedText:
    by = by or somebody(workspace, Role.AUTHOR)
    return saved_texts.keep(workspace, name=name or f"Text {next(_next)}", text=text, by=by)


# --- Webhooks ---------------------------------------------------------------------------------------------------------


def standing_export(workspace: Workspace, **fields) -> StandingExport:
    if "daily_at" not in fields:
        fields = {"hours_after_end": 24, **fields}
    fields = {"format": "csv", "by": somebody(workspace, Role.ADMIN), "now": timezone.now(), **fields}
    return standing.create(workspace, **fields, permissions=frozenset(Permission))


def endpoint(workspace: Workspace, url: str = "https://hooks.example.com/in", **fields) -> Endpoint:
    fields = {"events": Event.values, "by": somebody(workspace, Role.ADMIN), "now": timezone.now(), **fields}
    return endpoints.create(workspace, url=url, **fields)[0]
