"""Texts that a workspace keeps to begin campaigns with. A campaign takes a copy: what is changed here changes none."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.ledger import record
from audit.refusal import Refused
from campaigns.drafts import check_text
from campaigns.models import SavedText

MOST = 500  # of one workspace


@transaction.atomic
def keep(workspace: Workspace, *, name: str, text: str, by: User) -> SavedText:
    if SavedText.objects.of(workspace).count() >= MOST:
        raise Refused(_("A workspace keeps at most %(most)s texts.") % {"most": MOST}, code="too_many")
    row = SavedText(workspace=workspace, name=name, text=_checked(text), kept_by=by)
    _save(row)
    record("savedtext.kept", row, by=by, after=_shown(row))
    return row


@transaction.atomic
def change(saved_text_id: int, changes: Mapping[str, str], *, by: User) -> SavedText:
    """`changes` are a name, a text, or both."""
    row = SavedText.objects.lock(saved_text_id)
    before = _shown(row)
    row.name, row.text = changes.get("name", row.name), _checked(changes.get("text", row.text))
    _save(row)
    if _shown(row) != before:
        record("savedtext.changed", row, by=by, before=before, after=_shown(row))
    return row


@transaction.atomic
def remove(saved_text_id: int, *, by: User) -> None:
    row = SavedText.objects.lock(saved_text_id)
    record("savedtext.removed", row, by=by, before=_shown(row))
    row.delete()


def _save(row: SavedText) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(_("There is a text with this name already."), code="name_taken", field="name") from None


def _checked(text: str) -> str:
    """Textareas end lines with CRLF; a message has LF. Raises Refused for what could be no campaign's text."""
    text = text.replace("\r\n", "\n")
    check_text(text)
    return text


def _shown(row: SavedText) -> dict[str, Any]:
    """For the ledger, which holds no texts."""
    return {"name": row.name, "text": hashlib.sha256(row.text.encode()).hexdigest()}
