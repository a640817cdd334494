"""A test send: the text of a campaign that is being written, to a few test phones, by the same dispatcher.

It is a campaign of its own kind, `trial_of` another one (docs/adr/0052). What a moderator's decision is to a campaign,
the register of test phones is to a test send: the database asks for one or the other, and so does the intent.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User, Workspace
from audit.ledger import change_status, record
from audit.refusal import Refused
from audit.wording import stored
from campaigns import carriers, drafts, placeholders, seal
from campaigns.models import Campaign, TrialNumber
from campaigns.placeholders import Template
from campaigns.statuses import TRIAL_MOVES, TRIED_IN, Mode, Status
from recipients import sample, suppressions, trial_lists, trial_phones
from recipients.chunks import ChunkDamaged
from recipients.masking import masked
from recipients.models import RecipientList, TrialPhone
from recipients.statuses import Status as ListStatus
from senders.statuses import RevisionStatus, SenderStatus

MOST = trial_lists.MOST
WITHIN = timedelta(hours=1)  # what is not handed over, or not delivered, by then has tested nothing
LONGEST_VALUE = 200

TRIALS_OFF = stored(gettext_noop("Test sends are switched off."))
TRIALS_TOO_MANY = stored(gettext_noop("More than %(most)s messages of test sends in a day."))
NO_TEST_PHONE = stored(gettext_noop("A number of it is no test phone any more."))
NOT_ASKED = stored(gettext_noop("A test send of campaign %(campaign)s: no moderator is asked for test phones."))

SEEN = ("text", "sender_id", "revision_id", "list_id", "channel_id", "route_id")


def send(
    campaign_id: int, *, to: Sequence[str], params: Mapping[str, str] | None = None, by: User, now: datetime
) -> Campaign:
    """Send the text of a draft, or of a campaign in review, to at most five test phones, with the first rows of its
    list; `params` stand in for their columns. The clock starts it, and the answers come as for everything else.

    Raises Refused with what speaks against it; then nothing is sent.
    """
    campaign = Campaign.objects.select_related("workspace", "sender", "revision", "list", "channel", "route").get(
        pk=campaign_id
    )
    _check(campaign)
    phones = _numbers(campaign, to)
    if len(phones) > left(campaign.workspace_id):
        raise _too_many(campaign.workspace_id)
    columns, cells = _values(campaign, params or {}, len(phones))
    listed = trial_lists.write(campaign.workspace, phones, columns=columns, cells=cells, by=by)
    return _start(campaign, listed, phones, by=by, now=now)


def left(workspace_id: int) -> int:
    """How many messages of test sends the workspace may send in this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT trials_of_a_day(%s)", [workspace_id])
        return max(0, settings.TRIALS_PER_DAY - int(cursor.fetchone()[0]))


def what_forbids(trial: Campaign) -> str:
    """Why a test send must not go on, in a sentence: asked by whoever sends, of its own settings."""
    if not settings.TRIALS_PER_DAY:
        return TRIALS_OFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT trials_of_a_day(%s)", [trial.workspace_id])
        used = int(cursor.fetchone()[0])
    if used > settings.TRIALS_PER_DAY:
        return TRIALS_TOO_MANY % {"most": settings.TRIALS_PER_DAY}
    known = TrialPhone.objects.of(trial.workspace_id).values("phone")
    if TrialNumber.objects.filter(trial=trial).exclude(phone__in=known).exists():
        return NO_TEST_PHONE
    return ""


@transaction.atomic
def _start(seen: Campaign, listed: RecipientList, phones: Sequence[int], *, by: User, now: datetime) -> Campaign:
    with connection.cursor() as cursor:  # before anything else is locked; the trigger of each number would wait as well
        cursor.execute("SELECT lock_trials(%s)", [seen.workspace_id])
    campaign = Campaign.objects.lock(seen.pk)
    _check(campaign)
    if any(getattr(campaign, name) != getattr(seen, name) for name in SEEN):
        raise Refused(_("It was changed a moment ago: look at it again."), code="changed_meanwhile")
    if len(phones) > left(campaign.workspace_id):
        raise _too_many(campaign.workspace_id)
    trial_phones.numbers_of(campaign.workspace, [f"+{phone}" for phone in phones])
    trial_lists.settle(listed, by=by, now=now)
    trial = _written(campaign, listed, by=by, now=now)
    TrialNumber.objects.bulk_create(
        TrialNumber(
            workspace=campaign.workspace,
            trial=trial,
            place=place,
            phone=phone,
            most_a_day=settings.TRIALS_PER_DAY,
        )
        for place, phone in enumerate(phones)
    )
    trial.seal, trial.approved_at = seal.of(trial), now
    note = NOT_ASKED % {"campaign": campaign.pk}
    after = {"seal": trial.seal, "trial_of": campaign.pk}
    change_status(
        trial, Status.APPROVED, moves=TRIAL_MOVES, by=by, note=note, also_save=["seal", "approved_at"], after=after
    )
    told = [{"to": masked(phone), "hash": suppressions.fingerprint(phone)} for phone in phones]
    record("campaign.tested", campaign, by=by, after={"trial": trial.pk, "phones": told})
    return trial


def _written(campaign: Campaign, listed: RecipientList, *, by: User, now: datetime) -> Campaign:
    trial = Campaign(
        workspace=campaign.workspace,
        name=f"Test of {campaign.name}"[:120],
        mode=Mode.ON_APPROVAL,
        text=campaign.text,
        sender=campaign.sender,
        revision=campaign.revision,
        list=listed,
        channel=campaign.channel,
        route=campaign.route,
        not_after=now + WITHIN,
        trial_of=campaign,
        created_by=by,
        created_at=now,
        edited_by=by,
        edited_at=now,
    )
    drafts.stamp(trial)
    trial.save()
    return trial


def _check(campaign: Campaign) -> None:
    if not settings.TRIALS_PER_DAY:
        raise Refused(_("Test sends are switched off here."), code="trials_off")
    if campaign.trial_of_id is not None or campaign.status not in TRIED_IN:
        raise Refused(
            _("%(campaign)s is %(status)s: a draft is tested, or a campaign in review.")
            % {"campaign": campaign, "status": campaign.get_status_display().lower()},
            code="wrong_status",
        )
    drafts.check_text(campaign.text)
    if campaign.sender.status != SenderStatus.APPROVED or campaign.revision.status != RevisionStatus.APPROVED:
        raise Refused(
            _("The sender “%(sender)s” is not approved.") % {"sender": campaign.sender}, code="sender_not_approved"
        )
    carriers.check_can_carry(campaign)


def _numbers(campaign: Campaign, to: Sequence[str]) -> list[int]:
    given = [text for text in to if text.strip()]
    if not given:
        raise Refused(_("Say which test phones get it."), code="phones_missing")
    if len(given) > MOST:
        raise Refused(_("A test goes to at most %(most)s phones.") % {"most": MOST}, code="too_many_phones")
    return trial_phones.numbers_of(campaign.workspace, given)


def _too_many(workspace_id: int) -> Refused:
    return Refused(
        _("A workspace may send %(most)s test messages in 24 hours; %(left)s are left.")
        % {"most": settings.TRIALS_PER_DAY, "left": left(workspace_id)},
        code="trials_used_up",
    )


def _values(campaign: Campaign, params: Mapping[str, str], count: int) -> tuple[list[str], list[list[str]]]:
    """The columns that the text needs, and what they say for each phone: the list's first rows, with what was typed in
    their place."""
    template = placeholders.parse(campaign.text)
    typed = _typed(template, params)
    rows = _rows(campaign, template)
    columns = list(template.names)
    if not columns:
        return [], [[] for _phone in range(count)]
    if not rows:
        for one in template.placeholders:
            if one.default is None and not typed.get(one.key):
                raise Refused(
                    _("There is no list with a “%(name)s” yet: type a value for it.") % {"name": one.name},
                    code="value_missing",
                )
        rows = [{}]
    keys = [placeholders.key_of(name) for name in columns]
    return columns, [[typed.get(key) or rows[phone % len(rows)].get(key, "") for key in keys] for phone in range(count)]


def _typed(template: Template, params: Mapping[str, str]) -> dict[str, str]:
    known = {placeholders.key_of(name) for name in template.names}
    typed = {placeholders.key_of(name): _one_line(value) for name, value in params.items()}
    if unknown := [name for name in params if placeholders.key_of(name) not in known]:
        raise Refused(_("The text has no “%(name)s”.") % {"name": unknown[0][:40]}, code="unknown_placeholder")
    if any(len(value) > LONGEST_VALUE for value in typed.values()):
        raise Refused(_("A value has at most %(most)s characters.") % {"most": LONGEST_VALUE}, code="value_too_long")
    return typed


def _one_line(value: str) -> str:
    return placeholders.CONTROLS.sub(" ", value).strip()


def _rows(campaign: Campaign, template: Template) -> list[dict[str, str]]:
    """What the first recipients of its list have in the columns that the text names."""
    listed = campaign.list
    if listed is None or listed.status != ListStatus.READY or template.is_plain:
        return []
    drafts.check_placeholders(campaign.text, listed)
    try:
        rows = sample.first_rows(listed, size=MOST)
    except (ChunkDamaged, OSError):
        raise Refused(_("The list cannot be read in this moment."), code="list_unreadable") from None
    keys = [placeholders.key_of(column) for column in listed.columns]
    return [dict(reversed(list(zip(keys, map(_one_line, row.cells), strict=True)))) for row in rows]


def forget_number(workspace: Workspace, phone: int) -> int:
    """Of tests that were sent; each keeps how many there were."""
    rows = TrialNumber.objects.filter(workspace=workspace, phone=phone)
    return rows.update(phone=-1 - F("place"))
