"""What moderators tell each other: a note is kept as it was written, and no author sees it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import may_decide
from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from campaigns.models import Campaign
from moderation.models import Note
from moderation.querysets import about
from senders.models import Revision


@transaction.atomic
def add(subject: Campaign | Revision, text: str, *, by: User, now: datetime) -> Note:
    if not may_decide(by, subject.workspace_id):
        raise Refused(_("Only a moderator of the workspace decides."), code="not_a_moderator")
    if not text.strip():
        raise Refused(_("Write something."), code="note_missing")
    note = Note.objects.create(**about(subject), by=by, at=now, text=text.strip())
    kind = "revision" if isinstance(subject, Revision) else "campaign"
    record(f"{kind}.noted", subject, by=by, after={"note": note.pk})  # the ledger is read by authors, too
    return note
