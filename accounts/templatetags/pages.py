"""How pages show a moment, a stretch of time and a form's field."""

from datetime import UTC, datetime
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts.models import User
from audit import words
from audit.wording import worded

register = template.Library()


@register.filter
def moment(at: datetime | None) -> str:
    """In the zone of the workspace, which WorkspaceMiddleware has made the current one."""
    return date_format(timezone.localtime(at), "j M Y, H:i") if at else "—"


@register.filter
def instant(text: str | None) -> datetime | None:
    """Of what was kept as JSON."""
    return datetime.fromisoformat(text) if text else None


@register.filter
def in_utc(at: datetime | None) -> str:
    """Beside a moment, for whoever compares it with another zone."""
    return f"{date_format(at.astimezone(UTC), 'j M, H:i')} UTC" if at else ""


@register.filter
def stretch(seconds: int) -> str:
    """As people say it: 45 s, 3 min, 2 h 5 min."""
    if seconds < 60:
        return _("%(seconds)s s") % {"seconds": seconds}
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)s min") % {"minutes": minutes}


@register.filter
def pace(rate: float) -> str:
    """So many a second, in the unit that leaves a number to read: of what goes slowly a minute, or an hour."""
    if rate >= 1 or not rate:
        places = 1 if 0 < rate < 10 else 0
        return _("%(rate)s a second") % {"rate": number_format(rate, places, force_grouping=True)}
    if rate * 60 >= 1:
        return _("%(rate)s a minute") % {"rate": number_format(rate * 60, 0)}
    return _("%(rate)s an hour") % {"rate": number_format(rate * 3600, 0)}


@register.filter
def middle(text: object, most: int) -> str:
    """At most so many characters: what is too long keeps its beginning and its end."""
    whole = str(text)
    end = (most - 1) // 2
    return whole if len(whole) <= most else f"{whole[: most - 1 - end]}…{whole[-end:]}"


@register.filter
def named(person: User | None) -> str:
    """With the address where it matters who it was: two people may have one name."""
    if person is None:
        return "—"
    return f"{person.name} ({person.email})" if person.name else person.email


@register.filter
def happened(action: str) -> str:
    """What an entry of the ledger says, in words."""
    return str(words.of(action))


@register.filter
def said(text: str) -> str:
    """What a worker stored in English, in the reader's language."""
    return worded(text)


@register.inclusion_tag("_field.html")
def field(bound: BoundField) -> dict[str, Any]:
    kinds: dict[type, str] = {
        forms.Select: "form-select",
        forms.RadioSelect: "",
        forms.CheckboxSelectMultiple: "",
        forms.CheckboxInput: "form-check-input",
    }
    kind = kinds.get(type(bound.field.widget), "form-control")
    invalid = " is-invalid" if bound.errors else ""
    return {
        "field": bound,
        "control": bound.as_widget(attrs={"class": kind + invalid}),
        "is_choice": isinstance(bound.field.widget, forms.RadioSelect),
        "is_tick": isinstance(bound.field.widget, forms.CheckboxInput),
    }
