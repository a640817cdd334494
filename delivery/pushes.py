"""The messages of a trigger campaign as they were accepted: who they are to, what they say, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.db import models
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from accounts.models import ApiKey
from campaigns.models import Campaign
from delivery.models import Chunk, Push
from recipients.erased import NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Those of a chunk, by their index in it."""

    phones: NDArray[np.uint64]
    cells: list[tuple[str, ...]]
    ends: list[datetime | None]
    is_suppressed: NDArray[np.bool_]

    def is_in_time(self, index: int, now: datetime) -> bool:
        """Whether its time has not passed."""
        end = self.ends[index]
        return end is None or end > now


def of_chunk(chunk: Chunk) -> Pushed:
    """As many as there were when the chunk was read: what is accepted meanwhile has another look."""
    pushed = list(
        Push.objects.filter(campaign=chunk.campaign_id)
        .within(chunk.first, chunk.first + chunk.count)
        .values_list("phone", "cells", "expires_at", "is_suppressed")
    )
    blank = ("",) * len(chunk.campaign.columns)  # of whoever was erased
    return Pushed(
        phones=np.array([phone for phone, _, _, _ in pushed], np.uint64),
        cells=[tuple(cells) or blank for _, cells, _, _ in pushed],
        ends=[end for _, _, end, _ in pushed],
        is_suppressed=np.array([is_suppressed for _, _, _, is_suppressed in pushed], bool),
    )


@dataclass(frozen=True, slots=True)
class PushedPiece:
    """A chunk of them, as reports go through the pieces of a list."""

    chunk: Chunk

    @property
    def first(self) -> int:
        return self.chunk.first

    @property
    def end(self) -> int:
        return self.chunk.first + self.chunk.count

    def others(self, columns: int) -> list[tuple[str, ...]]:
        return of_chunk(self.chunk).cells


def count(campaign: Campaign) -> int:
    """How many were accepted so far."""
    last = Chunk.objects.filter(campaign=campaign).order_by("-number").first()
    return last.first + last.count if last else 0


def phones(campaign: Campaign, numbers: Iterable[int]) -> dict[int, int]:
    found = Push.objects.filter(campaign=campaign, recipient__in=list(numbers))
    return dict(found.values_list("recipient", "phone"))


def find(campaign: Campaign, phone: int) -> list[int]:
    """Every message to this number."""
    found = Push.objects.filter(campaign=campaign, phone=phone).order_by("recipient")
    return list(found.values_list("recipient", flat=True))


@dataclass(frozen=True, slots=True)
class PushCount:
    """How many messages one key pushed on one day, some of them to numbers that get nothing, or were erased since."""

    key: ApiKey | None  # None: from before it was kept
    day: date
    messages: int
    suppressed: int
    erased: int
    first_at: datetime
    last_at: datetime


def counts(campaign: Campaign) -> list[PushCount]:
    """By day, in the zone of the workspace, and key."""
    day = TruncDate("at", tzinfo=campaign.workspace.zone)
    told = {
        "messages": models.Count("recipient"),
        "suppressed": models.Count("recipient", filter=models.Q(is_suppressed=True)),
        "erased": models.Count("recipient", filter=models.Q(phone=NOBODY)),
        "first_at": models.Min("at"),
        "last_at": models.Max("at"),
    }
    grouped = Push.objects.filter(campaign=campaign).values("pushed_by", day=day).annotate(**told)
    rows = list(grouped.order_by("day", "pushed_by").values_list("pushed_by", "day", *told))
    keys = ApiKey.objects.select_related("user", "created_by").in_bulk({row[0] for row in rows} - {None})
    return [PushCount(keys.get(row[0]), *row[1:]) for row in rows]


def to(campaign: Campaign, phone: int) -> list[Push]:
    """Every message to this number."""
    related = ("pushed_by__user", "pushed_by__created_by")
    return list(Push.objects.filter(campaign=campaign, phone=phone).select_related(*related).order_by("recipient"))
