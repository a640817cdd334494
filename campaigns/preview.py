"""How a text will look: how long it is, and what the first recipients of the list get."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns import gsm, placeholders
from campaigns.gsm import Measure
from campaigns.models import Campaign
from campaigns.placeholders import Template
from recipients import sample
from recipients.chunks import ChunkDamaged
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus

EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What one recipient gets; `trouble` says why it would be nothing."""

    number: str
    text: str
    parts: int
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`measure` is of the least that anybody gets; it is the same for all unless the text `varies`."""

    measure: Measure
    varies: bool
    trouble: str
    columns: list[str]
    examples: list[Example]
    is_readable: bool = True
    max_parts: int

    @property
    def first_examples(self) -> list[Example]:
        return self.examples[:EXAMPLES]

    @property
    def is_too_long(self) -> bool:
        return not self.measure.fits(self.max_parts)


def of_text(text: str, listed: RecipientList | None, *, size: int = EXAMPLES) -> Preview:
    """Of a text that is being written: `trouble` is what a draft with it would be refused for."""
    try:
        return _preview(placeholders.parse(text), listed, size=size)
    except ValueError as error:
        return _preview(placeholders.literally(text), listed, size=size, trouble=str(error))


def of(campaign: Campaign) -> Preview:
    return _preview(campaign.template, campaign.list)


def _preview(template: Template, listed: RecipientList | None, *, size: int = EXAMPLES, trouble: str = "") -> Preview:
    is_ready = listed is not None and listed.status == ListStatus.READY
    columns = list(listed.columns) if listed is not None and is_ready else []
    missing = template.missing_from(columns) if is_ready else []
    examples, is_readable = [], True
    if listed is not None and is_ready and not missing and not template.is_plain:
        try:
            examples = _examples(template, listed, size=size)
        except (ChunkDamaged, OSError):
            is_readable = False
    return Preview(
        measure=gsm.measure(template.least),
        varies=not template.is_plain,
        trouble=trouble or _unknown(missing),
        columns=columns,
        examples=examples,
        is_readable=is_readable,
        max_parts=settings.MAX_PARTS,
    )


def _examples(template: Template, listed: RecipientList, *, size: int) -> list[Example]:
    rows = sample.first_rows(listed, size=size)
    texts = template.fill([row.cells for row in rows], listed.columns)
    return [_example(row.number, text) for row, text in zip(rows, texts, strict=True)]


def _example(number: str, text: str | None) -> Example:
    if text is None:
        return Example(number=number, text="", parts=0, trouble=_("A value is missing: this recipient gets nothing."))
    parts = gsm.count_parts(text)
    trouble = (
        ""
        if parts <= settings.MAX_PARTS
        else _("At most %(most)s: this recipient gets nothing.") % {"most": settings.MAX_PARTS}
    )
    return Example(number=number, text=text, parts=parts, trouble=trouble)


def _unknown(missing: list[str]) -> str:
    named = ", ".join(f"“{name}”" for name in missing)
    return _("The list has no column %(named)s.") % {"named": named} if missing else ""
