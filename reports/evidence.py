"""What proves a campaign: what was said to whom, who decided it, what became of it, and the ledger's word for that."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext_noop

from audit import heads, ledger, segments
from audit.models import Entry
from audit.wording import stored
from campaigns import gsm, seal
from campaigns.models import Campaign
from delivery import counters, pushes
from delivery.counters import Totals
from delivery.models import Incident
from objects.trouble import ObjectMissing
from recipients.models import ErasedChunk, RecipientList
from reports import bundle, evidence_paper, inquiry_answer, signing_keys
from senders.models import Revision

DOCUMENT_MISSING = stored(
    gettext_noop("The document that was shown for the sender's name is missing from the object storage.")
)


def signed(campaign_id: int, *, language: str, now: datetime) -> tuple[bytes, Totals]:
    """The bundle, of one instant, and the totals in it. No number is in it in clear; the texts are. `language` is that
    of the document."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        related = ("workspace", "sender", "revision__submitted_by", "revision__decided_by", "list", "channel", "route")
        people = ("created_by", "edited_by", "submitted_by")
        campaign = Campaign.objects.select_related(*related, *people).get(pk=campaign_id)
        links = _links(campaign)
        kept = heads.kept(campaign.workspace_id, since=links[-1].seq) if links else {}
        totals = counters.totals(campaign)
        members: dict[str, Any] = {
            bundle.CAMPAIGN: _campaign(campaign, links, totals, now=now),
            bundle.CHAIN: _chain(campaign, links, kept),
        }
    if campaign.list is not None:
        with default_storage.open(campaign.list.manifest_key, "rb") as file:
            members[bundle.LIST] = file.read()
    document = _document(campaign.revision)
    members[bundle.CAMPAIGN]["sender"]["revision"]["document"] = document and document[0]
    if document and document[1] is not None:
        members[str(document[0]["member"])] = document[1]
    key = signing_keys.today()
    members[bundle.PAPER] = evidence_paper.made(
        members[bundle.CAMPAIGN], members[bundle.CHAIN], public=bundle.public_text(key), language=language
    )
    return bundle.pack(members, key=key), totals


def _campaign(campaign: Campaign, links: list[Entry], totals: Totals, *, now: datetime) -> dict[str, Any]:
    revision = campaign.revision
    ours = [entry for entry in links if _is_about(entry, campaign)]
    incidents = Incident.objects.filter(campaign=campaign).select_related("channel").order_by("minute", "pk")
    return {
        "made_at": now.isoformat(),
        "id": campaign.pk,
        "name": campaign.name,
        "workspace": {
            "id": campaign.workspace_id,
            "name": str(campaign.workspace),
            "time_zone": campaign.workspace.time_zone,
        },
        "status": str(campaign.status),
        "stopped_because": campaign.stopped_because,
        "text": campaign.text,
        "message": {
            "encoding": gsm.measure(campaign.template.least).encoding,
            "parts": gsm.split(campaign.text) if campaign.template.is_plain else [],
            "varies": not campaign.template.is_plain,
        },
        "parts_at_least": gsm.count_parts(campaign.template.least),
        "sender": {
            "name": campaign.sender.name,
            "revision": {
                "number": revision.number,
                "saddr": revision.saddr,
                "status": str(revision.status),
                "reason": revision.reason,
                "submitted_by": str(revision.submitted_by),
                "submitted_at": _instant(revision.submitted_at),
                "decided_by": str(revision.decided_by) if revision.decided_by else None,
                "decided_at": _instant(revision.decided_at),
                "decision_reason": revision.decision_reason,
            },
        },
        "list": _list(campaign.list) if campaign.list is not None else None,
        "pushed": _pushed(campaign) if campaign.list is None else None,
        "channel": campaign.channel.name,
        "route": campaign.route.name if campaign.route else None,
        "people": {
            "created_by": str(campaign.created_by),
            "edited_by": str(campaign.edited_by),
            "submitted_by": str(campaign.submitted_by) if campaign.submitted_by else None,
        },
        "times": {
            name: _instant(getattr(campaign, name))
            for name in ("created_at", "edited_at", "submitted_at", "approved_at", "started_at", "finished_at")
        },
        "decisions": bundle.decisions(ledger.canonical(entry) for entry in ours),
        "seal": campaign.seal,
        "content": seal.content(campaign),
        "timeline": [entry.seq for entry in ours],
        "totals": asdict(totals),
        "incidents": [
            {"kind": incident.kind, "channel": str(incident.channel or ""), "count": incident.count}
            | {"first_at": _instant(incident.first_at), "last_at": _instant(incident.last_at)}
            for incident in incidents
        ],
    }


def _list(listed: RecipientList) -> dict[str, Any]:
    """`erased` are recipients whose place is nobody's since; `replaced` leads from the chunks that were approved to
    those that are there now."""
    replaced = list(ErasedChunk.objects.filter(list=listed).order_by("pk"))
    return {
        "name": listed.name,
        "filename": listed.filename,
        "digest": listed.digest,
        **{name: getattr(listed, name) for name in ("rows", "accepted", "invalid", "duplicate", "suppressed")},
        "erased": sum(row.recipients for row in replaced),
        "replaced": [
            {"chunk": row.number, "was": row.was_sha256, "is": row.sha256, "recipients": row.recipients}
            | {"at": row.at.isoformat()}
            for row in replaced
        ],
    }


def _pushed(campaign: Campaign) -> dict[str, Any]:
    """Of a trigger, which has no list: how many messages which key pushed on which day."""
    counts = pushes.counts(campaign)
    return {
        "messages": sum(one.messages for one in counts),
        "suppressed": sum(one.suppressed for one in counts),
        "erased": sum(one.erased for one in counts),
        "by_day_and_key": [
            {"day": one.day.isoformat(), "key": inquiry_answer.key(one.key), "messages": one.messages}
            | {"first_at": one.first_at.isoformat(), "last_at": one.last_at.isoformat()}
            for one in counts
        ],
    }


def _links(campaign: Campaign) -> list[Entry]:
    """The ledger from the first entry about the campaign to the first kept head behind the last, or to the end. What is
    sealed by now is read where it lies."""
    live = Entry.objects.of(campaign.workspace).order_by("seq")
    sealed = list(segments.entries_of(campaign.workspace_id, since=campaign.created_at))
    ours = [entry.seq for entry in sealed if _is_about(entry, campaign)]
    ours += live.about(campaign).filter(seq__gt=sealed[-1].seq if sealed else 0).values_list("seq", flat=True)
    if not ours:
        return []
    chain = [entry for entry in sealed if entry.seq >= ours[0]]
    links = live.filter(seq__gte=chain[-1].seq + 1 if chain else ours[0])
    witnessed = next((seq for seq, _hash in heads.each(campaign.workspace_id, since=ours[-1])), None)
    every = [*chain, *(links.filter(seq__lte=witnessed) if witnessed else links)]
    return [entry for entry in every if witnessed is None or entry.seq <= witnessed]


def _chain(campaign: Campaign, links: list[Entry], kept: dict[int, set[str]]) -> dict[str, Any]:
    """`witness` is what the object storage says of the head, None when it has not been asked to keep it yet."""
    head = {"seq": links[-1].seq, "hash": links[-1].hash} if links else None
    witnessed = kept.get(links[-1].seq, set()) if links else set()
    # Of an entry that was written anew there are two hashes: then the other one tells.
    others = sorted(witnessed - {links[-1].hash}) if links else []
    return {
        "before": links[0].previous_hash if links else ledger.FIRST,
        "links": [_link(entry, is_ours=_is_about(entry, campaign)) for entry in links],
        "head": head,
        "witness": {"seq": links[-1].seq, "hash": others[0]} if others else head if witnessed else None,
    }


def _link(entry: Entry, *, is_ours: bool) -> dict[str, Any]:
    """Of an entry about something else only what the chain needs: what it says stays in the house."""
    link: dict[str, Any] = {"seq": entry.seq, "hash": entry.hash}
    if is_ours:
        return link | {"entry": ledger.canonical(entry)}
    return link | {"digest": ledger.digest_of(entry)} if entry.salt else link


def _document(revision: Revision) -> tuple[dict[str, str | None], bytes | None] | None:
    """What the sender's owner showed to have the name approved. One that is gone leaves a note in its place."""
    if not revision.evidence:
        return None
    try:
        with revision.evidence.open("rb") as file:
            data = file.read()
    except ObjectMissing:
        return {"member": None, "sha256": None, "note": DOCUMENT_MISSING}, None
    member = f"document{Path(revision.evidence.name or '').suffix.lower()}"
    return {"member": member, "sha256": hashlib.sha256(data).hexdigest(), "note": None}, data


def _is_about(entry: Entry, campaign: Campaign) -> bool:
    return (entry.subject_type, entry.subject_id) == ("campaign", str(campaign.pk))


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
