"""Which entries."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from audit.models import Entry


class EntryQuerySet(models.QuerySet["Entry"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(chain=workspace.pk)

    def about(self, subject: models.Model) -> Self:
        return self.filter(subject_type=subject._meta.model_name, subject_id=str(subject.pk))
