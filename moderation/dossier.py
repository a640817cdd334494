"""Everything that a moderator needs to see of a campaign, or of a sender revision, before judging it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from campaigns import gsm, preview
from campaigns.models import Campaign
from campaigns.preview import Preview
from moderation import audience, concerns, differences, links
from moderation.audience import Usual
from moderation.concerns import Concern, Weight
from moderation.curve import Curve
from moderation.differences import Difference
from moderation.links import Link
from moderation.models import Decision, Note, Verdict
from recipients import sample as sampling
from recipients.chunks import ChunkDamaged
from senders.models import Revision


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the text, as it is cut for the carrier, with what it takes of what fits."""

    number: int
    text: str
    units: int
    room: int


@dataclass(frozen=True, slots=True)
class Domain:
    """A link with its doubts in words."""

    link: Link
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The text against an earlier one; `title` says which."""

    title: str
    decision: Decision
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`messages` is how many message parts the carrier will be handed when everybody on the list gets the text: at
    least, where the text is another one for each of them. Parts are of the least that anybody gets."""

    campaign: Campaign
    preview: Preview
    parts: list[Part]
    domains: list[Domain]
    compared: list[Compared]
    messages: int
    sample: list[str]
    curve: Curve | None
    usual: Usual
    concerns: list[Concern]
    decisions: list[Decision]
    notes: list[Note]


def dossier(campaign: Campaign, *, reader: User, now: datetime) -> Dossier:
    seen = preview.of(campaign)
    found = links.find(campaign.text)
    usual = audience.usual_of([campaign.workspace_id])[campaign.workspace_id]
    sample, damage = _sample(campaign)
    decisions = list(Decision.objects.about(campaign.pk))
    used = audience.used_before([campaign])
    others = concerns.of(campaign, reader=reader, seen=seen, links=found, usual=usual, used=used, now=now)
    return Dossier(
        campaign=campaign,
        preview=seen,
        parts=_parts(campaign, seen),
        domains=[_domain(link) for link in found],
        compared=_compared(campaign, decisions),
        messages=seen.measure.parts * concerns.audience_of(campaign),
        sample=sample,
        curve=concerns.expected(campaign, seen, now=now),
        usual=usual,
        concerns=[*damage, *others],
        decisions=decisions,
        notes=list(Note.objects.about(campaign)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionDossier:
    revision: Revision
    earlier: list[Revision]
    concerns: list[Concern]
    notes: list[Note]


def revision_dossier(revision: Revision, *, reader: User) -> RevisionDossier:
    earlier = revision.sender.revisions.exclude(pk=revision.pk).select_related("decided_by").order_by("-number")
    found = []
    if revision.sender.workspace.four_eyes and revision.submitted_by_id == reader.pk:
        found.append(Concern(Weight.STOP, _("You submitted this revision: somebody else must judge it.")))
    if not revision.evidence:
        found.append(Concern(Weight.LOOK, _("There is no document that shows whose name it is.")))
    return RevisionDossier(
        revision=revision,
        earlier=list(earlier[:20]),
        concerns=found,
        notes=list(Note.objects.about(revision)),
    )


def _sample(campaign: Campaign) -> tuple[list[str], list[Concern]]:
    try:
        return (sampling.sample(campaign.list) if campaign.list else []), []
    except (ChunkDamaged, OSError):
        text = _("The list cannot be read from storage, or is not what was uploaded. Do not approve this.")
        return [], [Concern(Weight.STOP, text)]


def _parts(campaign: Campaign, seen: Preview) -> list[Part]:
    """Of a text with placeholders there are none to show: how it is cut depends on the recipient."""
    if seen.varies:
        return []
    encoding = seen.measure.encoding
    width = 1 if encoding == "gsm7" else 2
    return [
        Part(number, text, len(gsm.encode_part(text, encoding)) // width, seen.measure.per_part)
        for number, text in enumerate(gsm.split(campaign.template.plain), start=1)
    ]


def _domain(link: Link) -> Domain:
    return Domain(
        link,
        tuple(concerns.doubt_text(doubt) % {"domain": link.domain, "like": link.like} for doubt in link.doubts),
    )


def _compared(campaign: Campaign, decisions: list[Decision]) -> list[Compared]:
    """With what was rejected in an earlier round, and with the author's last text that was approved."""
    rejected = [decision for decision in decisions if decision.verdict == Verdict.REJECTED]
    approved = (
        Decision.objects.exclude(verdict__in=[Verdict.REJECTED, Verdict.VOTED])
        .filter(campaign__workspace=campaign.workspace_id, campaign__created_by=campaign.created_by_id)
        .exclude(campaign=campaign.pk)
        .select_related("campaign")
        .order_by("-pk")
        .first()
    )
    found = [(_("Changed since it was rejected"), decision) for decision in rejected[-1:]]
    found += [(_("Against this author's last approved text"), approved)] if approved else []
    return [
        Compared(
            title=title,
            decision=decision,
            difference=differences.between(decision.content["text"], campaign.text),
        )
        for title, decision in found
    ]
