"""How a row came to be what it is: its versions field by field, and what the ledger says of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.templatetags.pages import moment
from audit.models import Entry

ENTRIES = 50
LONGEST_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version against the one before it; the first has every field that is not empty."""

    at: datetime
    by: str
    is_first: bool
    fields: tuple[Field, ...]


def versions_of(row: Model) -> Any:
    """Newest first; none for a model that keeps no history."""
    history = getattr(row, "history", None)
    return [] if history is None else history.select_related("history_user").order_by("-history_date", "-history_id")


def change_of(version: Any) -> Change:
    before = version.prev_record
    fields = tuple(
        Field(capfirst(str(field.verbose_name)), was, became)
        for field in version.tracked_fields
        if not field.primary_key
        if (was := _shown(before, field)) != (became := _shown(version, field))
    )
    by = version.history_user
    return Change(at=version.history_date, by=str(by) if by else "", is_first=before is None, fields=fields)


def entries_of(row: Model) -> QuerySet[Entry]:
    workspace = row.pk if row._meta.model_name == "workspace" else getattr(row, "workspace_id", None)
    return Entry.objects.about(row).filter(chain=workspace or 0).order_by("-seq")[:ENTRIES]


def _shown(version: Any, field: Any) -> str:
    if version is None:
        return ""
    value = getattr(version, field.attname)
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(getattr(version, f"get_{field.name}_display")())
    if field.is_relation:
        found = field.related_model._default_manager.filter(pk=value).first()
        return str(found or value)
    return str(value)[:LONGEST_SHOWN]
