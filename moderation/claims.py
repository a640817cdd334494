"""Who is reading what: a claim is advice on the page and a guard in the verb, and any moderator may take it over.

Locks are taken in the order of the verbs that decide: the campaign (or the revision's sender), then the claim.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import may_decide
from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation.models import Claim
from moderation.querysets import about
from senders.models import Revision, Sender
from senders.statuses import RevisionStatus

LASTS = timedelta(minutes=5)  # without a heartbeat of the page
HEARTBEAT_SECONDS = 60


@transaction.atomic
def take(subject: Campaign | Revision, *, by: User, now: datetime) -> Claim:
    """Theirs from now on if it was free; else it stays whose it is. Taken again, it lasts longer."""
    fresh = Claim(**about(subject), holder=by, since=now, until=now + LASTS)
    (column,) = (name.removesuffix("_id") for name in about(subject))
    # Changes nothing, and leaves us with a locked row, whoever wrote it.
    Claim.objects.bulk_create([fresh], update_conflicts=True, unique_fields=[column], update_fields=[column])
    claim = Claim.objects.about(subject).get()
    if claim.holder_id != by.pk and claim.until > now:
        return claim
    if claim.holder_id != by.pk or claim.until <= now:
        claim.since = now
    claim.holder, claim.until = by, now + LASTS
    claim.save()
    return claim


def release(subject: Campaign | Revision, *, by: User) -> None:
    """They have left the page. Somebody else's claim stays."""
    Claim.objects.filter(**about(subject), holder=by).delete()


@transaction.atomic
def take_over(subject: Campaign | Revision, *, by: User, now: datetime) -> Claim:
    """Whoever had it is told when they decide, or at the next heartbeat of their page."""
    locked = lock(subject)
    if not may_decide(by, locked.workspace_id):
        raise Refused(_("Only a moderator of the workspace decides."), code="not_a_moderator")
    if locked.status not in {Status.IN_REVIEW, Status.MISSED, RevisionStatus.PENDING}:
        raise Refused(_("%(what)s does not wait any more.") % {"what": locked}, code="wrong_status")
    had = Claim.objects.about(subject).in_force(now).exclude(holder=by).select_for_update(of=("self",)).first()
    if had is not None:
        kind = "revision" if isinstance(subject, Revision) else "campaign"
        record(f"{kind}.taken_over", locked, by=by, before={"reader": str(had.holder)}, after={"reader": str(by)})
        had.delete()
    return take(subject, by=by, now=now)


def check(subject: Campaign | Revision, *, by: User, now: datetime) -> None:
    """Nobody else has it; raises Refused. Call with the subject locked, in the transaction that decides."""
    held = Claim.objects.about(subject).in_force(now).exclude(holder=by).select_for_update(of=("self",)).first()
    if held is not None:
        raise Refused(
            _("%(who)s is reading %(what)s: take it over first.")
            % {"who": held.holder.get_short_name(), "what": subject},
            code="claimed",
        )


def end(subject: Campaign | Revision) -> None:
    """It is decided: nobody reads it any more."""
    Claim.objects.filter(**about(subject)).delete()


def lock(subject: Campaign | Revision) -> Campaign | Revision:
    if isinstance(subject, Revision):
        Sender.objects.lock(Revision.objects.values_list("sender_id", flat=True).get(pk=subject.pk))
        return Revision.objects.select_related("sender").get(pk=subject.pk)
    return Campaign.objects.lock(subject.pk)
