"""Messages that a program pushes into a trigger campaign, accepted in one statement.

What is accepted is a row, and a recipient more in the campaign's last chunk: whoever attends to it (`attending`) does
the dispatcher's usual work (docs/adr/0076).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Workspace
from audit.refusal import Refused
from campaigns import gsm
from campaigns.models import Campaign
from campaigns.placeholders import Template, key_of
from campaigns.statuses import Mode, Status
from delivery.statuses import Term
from recipients import suppressions

CHUNK = 1_000  # messages after which another chunk begins: a look reads a whole one
MOST = 1_000  # in one call
LONGEST_KEY = 255
RETRY_AFTER = 5  # seconds, when too many wait
TAKING = (Status.SENDING, Status.PAUSED)
CHANGES = ("name", "status")  # of the campaign
# While it takes messages; as the model has them.
STAYS = ("id", "workspace_id", "mode", "text", "not_after", "content_version")
MOST_KNOWN = 1_000  # campaigns whose content a process keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One message: `params` fill the text, or `text` is what it must come to; with both, they must agree."""

    to: str
    params: Mapping[str, str] | None = None
    text: str | None = None
    key: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`id` finds it again; `status` is WAITING, or SUPPRESSED when its number gets nothing, or of a repetition as its
    first was answered."""

    id: int
    status: Term


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    ask: Ask
    phone: int
    cells: tuple[str, ...]

    @property
    def digest(self) -> str:
        ask = self.ask
        said: list[Any] = [self.phone, self.cells, ask.expires_at and ask.expires_at.timestamp()]
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


_known: dict[tuple[int, int], tuple[Any, ...]] = {}  # what stays of the campaigns that take messages


def campaign_of(workspace: Workspace, pk: int) -> Campaign:
    """With what a push asks of it. Raises Campaign.DoesNotExist.

    Of a campaign that takes messages the process reads its content once: the database holds it as it is from then on.
    Whether it still takes any is asked where they are taken.
    """
    values = _known.get((workspace.pk, pk))
    if values is None:
        found = Campaign.objects.of(workspace).only(*STAYS, *CHANGES).get(pk=pk)
        if found.status not in TAKING:
            found.workspace = workspace
            return found
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        values = _known[workspace.pk, pk] = tuple(getattr(found, name) for name in STAYS)
    campaign = Campaign.from_db("default", STAYS, values)
    campaign.workspace = workspace
    return campaign


def push(campaign: Campaign, asks: Sequence[Ask], *, by: ApiKey | None, now: datetime) -> list[Taken | Refused]:
    """An answer for each, in order: what is refused keeps nothing else from being accepted. `by` is the key of the
    program, kept with each message.

    Raises Refused when the campaign takes none: it is no trigger, has not been let go, is over, or more would wait than
    may. While it is paused or in its closed hours messages are taken and wait.
    """
    if campaign.mode != Mode.TRIGGER:
        raise Refused(
            _("%(campaign)s is no trigger: it sends to a list.") % {"campaign": campaign}, code="not_a_trigger"
        )
    fits = _judged(campaign, asks, now=now)
    good = [fit for fit in fits if isinstance(fit, _Fit)]
    if not good:
        _check_taking(campaign, now=now)
        return [fit for fit in fits if isinstance(fit, Refused)]
    taken = iter(_take(campaign, good, by=by, now=now))
    return [fit if isinstance(fit, Refused) else next(taken) for fit in fits]


# Whoever pushes next waits for this commit, so it waits for no disk itself: `_KEEP` does, for all who have committed.
_PUSH = """
SELECT recipient, is_suppressed, digest FROM set_config('synchronous_commit', 'off', true), push_messages(
    %(campaign)s, %(phones)s::bigint[], %(cells)s::jsonb, %(keys)s::text[], %(digests)s::text[],
    %(ends)s::timestamptz[], %(by)s::bigint, %(chunk)s, %(most)s, %(now)s)
"""
# A transaction whose only line in the log is this: it ends when the log is on the disk so far, and on a synchronous
# standby where there is one.
_KEEP = "SELECT pg_logical_emit_message(true, 'pushed', ''::text)"


def _take(campaign: Campaign, fits: Sequence[_Fit], *, by: ApiKey | None, now: datetime) -> list[Taken | Refused]:
    """In one statement and transaction: all of them, or none. `push_messages` is of the migration 0029.

    Nobody is answered before it is sure to last; what is sent meanwhile is too, as its intent comes later in the log
    (docs/adr/0095).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _PUSH,
            {
                "campaign": campaign.pk,
                "phones": [fit.phone for fit in fits],
                "cells": json.dumps([fit.cells for fit in fits]),
                "keys": [fit.ask.key for fit in fits],
                "digests": [fit.digest for fit in fits],
                "ends": [fit.ask.expires_at for fit in fits],
                "by": by.pk if by else None,
                "chunk": CHUNK,
                "most": settings.PUSHES_WAITING,
                "now": now,
            },
        )
        taken = cursor.fetchall()
    transaction.on_commit(_keep)
    if not taken:
        _check_taking(campaign, now=now)
    if any(number is None for number, _, _ in taken):
        told = {"most": settings.PUSHES_WAITING}
        raise Refused(
            _("More than %(most)s messages of this campaign would wait: none of these was taken. Try again later.")
            % told,
            code="too_many_waiting",
            retry_after=RETRY_AFTER,
        )
    return [_answer(fit, *one) for fit, one in zip(fits, taken, strict=True)]


def _keep() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP)


def _answer(fit: _Fit, number: int, is_suppressed: bool, digest: str) -> Taken | Refused:
    if digest != fit.digest:
        told = {"key": fit.ask.key}
        return Refused(_("The key “%(key)s” was used for another message.") % told, code="key_mismatch", field="key")
    return Taken(id=number, status=Term.SUPPRESSED if is_suppressed else Term.WAITING)


def _check_taking(campaign: Campaign, *, now: datetime) -> None:
    campaign.refresh_from_db(fields=CHANGES)
    if campaign.status not in TAKING:
        told = {"campaign": campaign, "status": Status(campaign.status).label.lower()}
        raise Refused(_("%(campaign)s is %(status)s: it takes no messages.") % told, code="wrong_status")
    if campaign.not_after is not None and campaign.not_after <= now:
        raise Refused(_("The end of %(campaign)s has passed.") % {"campaign": campaign}, code="deadline_passed")


def _judged(campaign: Campaign, asks: Sequence[Ask], *, now: datetime) -> list[_Fit | Refused]:
    numbers = suppressions.numbers_of([ask.to for ask in asks], campaign.workspace)
    return [_fit(campaign, ask, number, now=now) for ask, number in zip(asks, numbers, strict=True)]


def _fit(campaign: Campaign, ask: Ask, number: int | Refused, *, now: datetime) -> _Fit | Refused:
    try:
        if isinstance(number, Refused):
            raise Refused(number.message, code=number.code, field="to")
        if ask.expires_at is not None and ask.expires_at <= now:
            raise Refused(_("%(name)s is in the past.") % {"name": "expires_at"}, code="expired", field="expires_at")
        if ask.key is not None and not 0 < len(ask.key) <= LONGEST_KEY:
            told = {"most": LONGEST_KEY}
            raise Refused(_("A key has 1 to %(most)s characters.") % told, code="bad_key", field="key")
        return _Fit(ask=ask, phone=number, cells=_cells(campaign.template, ask))
    except Refused as refusal:
        return refusal


def _cells(template: Template, ask: Ask) -> tuple[str, ...]:
    params = template.values_in(ask.text) if ask.params is None and ask.text is not None else ask.params or {}
    if params is None:
        raise _other_text()
    given = {key_of(name): value for name, value in params.items()}
    names = {key_of(name): name for name in template.names}
    if unknown := next((name for name in params if key_of(name) not in names), None):
        known = ", ".join(template.names) or _("none")
        raise Refused(
            _("The text has no placeholder “%(name)s”; it has: %(known)s.") % {"name": unknown, "known": known},
            code="unknown_param",
            field=f"params.{unknown}",
        )
    cells = tuple(given.get(key, "") for key in names)
    (text,) = template.fill([cells], template.names)
    if text is None:
        lacking = {one.key: one.name for one in template.placeholders if one.default is None}
        name = next(name for key, name in lacking.items() if not given.get(key, "").strip())
        raise Refused(
            _("The text needs a value for “%(name)s”.") % {"name": name}, code="param_missing", field=f"params.{name}"
        )
    if ask.text is not None and ask.text != text:
        raise _other_text()
    if (parts := gsm.count_parts(text)) > settings.MAX_PARTS:
        raise Refused(
            _("The text would be %(parts)s parts long; the limit is %(most)s.")
            % {"parts": parts, "most": settings.MAX_PARTS},
            code="text_too_long",
            field="params" if ask.params is not None else "text",
        )
    return cells


def _other_text() -> Refused:
    return Refused(
        _("This is not the text that was approved, with its placeholders filled."), code="text_differs", field="text"
    )
