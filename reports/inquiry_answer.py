"""What is on record about one number in a workspace: messages with their results, lists, suppression, messages from it.

Lists are searched in their chunks, as on a campaign's page; messages are then read at their place. Only the messages of
campaigns whose list is gone are searched one by one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from django.core.files.storage import default_storage
from django.db.models import Q

from accounts.models import ApiKey, Workspace
from audit import ledger
from audit.models import Entry
from campaigns import gsm, seal
from campaigns.models import Campaign
from campaigns.statuses import Mode
from delivery import errors, pushes, retention
from delivery.models import CarrierId, Inbound, Message, Push
from delivery.statuses import TERM_OF, MessageState
from recipients import suppressions
from recipients.listing import listing_of
from recipients.models import RecipientList, Suppression
from recipients.statuses import Status as ListStatus
from reports import bundle
from reports.models import Inquiry

MOST = 1000  # messages from the phone, the newest
Answer: TypeAlias = dict[str, Any]


def of(inquiry: Inquiry, *, now: datetime, tell: Callable[[int], object]) -> Answer:
    """`tell` is called with the per cent that is done. Raises ChunkDamaged and ObjectMissing."""
    workspace, phone = inquiry.workspace, inquiry.phone
    assert phone is not None
    places = _places(workspace, phone, tell)
    messages = _messages(workspace, phone, places)
    return {
        "made_at": now.isoformat(),
        "number": f"+{phone}",
        "known_as": inquiry.known_as,
        "workspace": {"id": workspace.pk, "name": str(workspace), "time_zone": workspace.time_zone},
        "asked": {"by": str(inquiry.asked_by), "at": inquiry.asked_at.isoformat(), "why": inquiry.reason},
        "messages": messages,
        "lists": [_list(listed, place, phone) for listed, place in places],
        "suppressions": _suppressions(workspace, phone),
        "suppression_history": _suppression_history(workspace, phone),
        "inbound": _inbound(workspace, phone),
    }


def _places(workspace: Workspace, phone: int, tell: Callable[[int], object]) -> list[tuple[RecipientList, int]]:
    """The lists that have the number, with its place in each, from 0; those of test sends, too."""
    lists = RecipientList.objects.filter(workspace=workspace, status=ListStatus.READY)
    found, ready = [], list(lists.select_related("created_by").order_by("pk"))
    for number, listed in enumerate(ready):
        place = listing_of(listed).find(phone)
        if place is not None:
            found.append((listed, place))
        tell(90 * (number + 1) // len(ready))
    return found


def _messages(workspace: Workspace, phone: int, places: Sequence[tuple[RecipientList, int]]) -> list[Answer]:
    at = {listed.pk: place for listed, place in places}
    related = ("list", "sender", "revision__decided_by", "channel", "created_by")
    started = Campaign.objects.filter(workspace=workspace).exclude(started_at=None)
    kept: list[tuple[Campaign, Message | None, Push | None, bool]] = []
    for campaign in started.select_related(*related).order_by("started_at", "pk"):
        is_kept = retention.is_kept(campaign)
        if campaign.mode == Mode.TRIGGER:
            kept += [(campaign, message, pushed, True) for message, pushed in _pushed(campaign, phone)]
            continue
        message = _message(campaign, phone, at) if is_kept else None
        if message is not None or campaign.list_id in at:
            kept.append((campaign, message, None, is_kept))
    ids = _carrier_ids([message for _, message, _, _ in kept if message is not None], phone)
    return [_told(campaign, message, pushed, ids, is_kept=is_kept) for campaign, message, pushed, is_kept in kept]


def _pushed(campaign: Campaign, phone: int) -> list[tuple[Message | None, Push]]:
    """Every message that was pushed to it; where they are no longer kept, none."""
    asked = pushes.to(campaign, phone)
    rows = Message.objects.filter(day=campaign.day, campaign=campaign, recipient__in=[one.recipient for one in asked])
    at = {message.recipient: message for message in rows} if asked else {}
    return [(at.get(one.recipient), one) for one in asked]


def _carrier_ids(messages: Sequence[Message], phone: int) -> dict[tuple[int, int], list[Answer]]:
    """By campaign and recipient. There is no index to look for them by: each month is gone through once."""
    found: dict[tuple[int, int], list[Answer]] = {}
    days = {message.day for message in messages}
    wanted = {(message.campaign_id, message.recipient) for message in messages}
    for one in CarrierId.objects.filter(day__in=days, phone=phone).order_by("part") if days else ():
        if (place := (one.campaign_id, one.recipient)) in wanted:
            found.setdefault(place, []).append({"part": one.part + 1, "id": one.message_id})
    return found


def _message(campaign: Campaign, phone: int, at: dict[int | None, int] | dict[int, int]) -> Message | None:
    rows = Message.objects.filter(day=campaign.day, campaign=campaign, phone=phone)
    listed = campaign.list
    if listed is not None and listed.status == ListStatus.READY:
        place = at.get(listed.pk)
        return rows.filter(recipient=place).first() if place is not None else None
    return rows.first()


def _told(
    campaign: Campaign,
    message: Message | None,
    pushed: Push | None,
    ids: dict[tuple[int, int], list[Answer]],
    *,
    is_kept: bool,
) -> Answer:
    listed, revision = campaign.list, campaign.revision
    decisions = Entry.objects.of(campaign.workspace).about(campaign).filter(action__in=bundle.DECISIONS)
    return {
        "campaign": {"id": campaign.pk, "name": campaign.name, "status": str(campaign.status)},
        "is_test": campaign.trial_of_id is not None,
        "text": campaign.text,
        "parts_at_least": gsm.count_parts(campaign.template.least),
        "sender": {"saddr": revision.saddr, "revision": revision.number, "approved_by": str(revision.decided_by or "")},
        "list": {"id": listed.pk, "digest": listed.digest} if listed else None,
        "pushed": _push(pushed) if pushed else None,
        "seal": campaign.seal,
        "content": seal.content(campaign),
        "started_at": campaign.started_at and campaign.started_at.isoformat(),
        "approvals": [
            {"entry": ledger.canonical(entry), "previous": entry.previous_hash, "hash": entry.hash}
            for entry in decisions.order_by("seq")
        ],
        "is_kept": is_kept,
        "result": _result(campaign, message, ids) if message else None,
    }


def _push(pushed: Push) -> Answer:
    """By which program it was asked for."""
    return {
        "id": pushed.recipient,
        "at": pushed.at.isoformat(),
        "by": key(pushed.pushed_by),
        "idempotency_key": pushed.key,
        "expires_at": pushed.expires_at and pushed.expires_at.isoformat(),
        "is_suppressed": pushed.is_suppressed,
    }


def key(used: ApiKey | None) -> Answer | None:
    """A key of the API, and who answers for it; None where it was not kept."""
    if used is None:
        return None
    kind, person = ("token", used.user) if used.user else ("key", used.created_by)
    return {"id": used.pk, "name": used.name, "prefix": used.prefix, "kind": kind, "person": str(person)}


def _result(campaign: Campaign, message: Message, ids: dict[tuple[int, int], list[Answer]]) -> Answer:
    error = errors.explain(message.error_kind, message.error_code)
    return {
        "status": str(TERM_OF[MessageState(message.state)]),
        "submitted_at": message.submitted_at and message.submitted_at.isoformat(),
        "done_at": message.done_at and message.done_at.isoformat(),
        "attempts": message.attempts,
        "channel": campaign.channel.name if message.channel_id is None else None,
        "parts": [
            {
                "part": part + 1,
                "accepted": bool(message.accepted_mask >> part & 1),
                "delivered": bool(message.delivered_mask >> part & 1),
                "failed": bool(message.failed_mask >> part & 1),
            }
            for part in range(message.parts)
        ],
        "error": {"code": error.code, "name": error.name, "text": str(error.text)} if error else None,
        "carrier_ids": ids.get((message.campaign_id, message.recipient), []),
    }


def _list(listed: RecipientList, place: int, phone: int) -> Answer:
    """Where its line is not kept, rows that were left out stand before or behind it: in between is its row."""
    left_out = listed.rows - listed.accepted
    return {
        "id": listed.pk,
        "name": listed.name,
        "filename": listed.filename,
        "digest": listed.digest,
        "is_test": listed.is_trial,
        "uploaded_by": str(listed.created_by),
        "uploaded_at": listed.created_at.isoformat(),
        "place": place + 1,
        "accepted": listed.accepted,
        "line": listing_of(listed).line(place),
        "row_from": place + 1,
        "row_to": place + 1 + left_out,
        "repeated_on_lines": _repeated(listed, phone),
    }


def _repeated(listed: RecipientList, phone: int) -> list[int]:
    """The lines of the file on which the number stood again."""
    if not listed.duplicates_key:
        return []
    ending = f",{phone}".encode()
    with default_storage.open(listed.duplicates_key, "rb") as file:
        return [int(line.partition(b",")[0]) for line in file if line.rstrip().endswith(ending)]


def _suppressions(workspace: Workspace, phone: int) -> list[Answer]:
    """Of one that binds the whole installation only since when: who put it there is others' business."""
    rows = Suppression.objects.that_bind(workspace).filter(phone=phone).select_related("added_by", "imported")
    return [
        {"scope": "workspace" if row.workspace_id else "installation", "since": row.added_at.isoformat()}
        | {"source": str(row.source), "reason": _why(row) if row.workspace_id else ""}
        | {"by": str(row.added_by) if row.workspace_id and row.added_by else None}
        for row in rows.order_by("added_at", "pk")
    ]


def _why(row: Suppression) -> str:
    return f"{row.imported.reason} ({row.imported.filename})" if row.imported else row.reason


def _suppression_history(workspace: Workspace, phone: int) -> list[Answer]:
    """The ledger's entries know it by its keyed hash."""
    known = suppressions.fingerprints(phone)
    entries = Entry.objects.of(workspace).filter(action__in=("suppression.added", "suppression.removed"))
    ours = entries.filter(Q(after__hash__in=known) | Q(before__hash__in=known)).order_by("seq")
    return [
        {
            "seq": entry.seq,
            "at": entry.at.isoformat(),
            "action": entry.action,
            "by": entry.actor_name,
            "why": entry.note,
        }
        for entry in ours
    ]


def _inbound(workspace: Workspace, phone: int) -> list[Answer]:
    rows = Inbound.objects.of(workspace).filter(phone=phone).order_by("-pk")[:MOST]
    return [
        {"at": row.received_at.isoformat(), "to": row.to_address, "kind": str(row.kind)}
        | {"text": row.text, "keyword": row.keyword}
        for row in rows
    ]
