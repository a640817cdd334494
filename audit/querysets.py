"""Which entries."""

from typing import TYPE_CHECKING, Any, Self

from django.db import connection, models

from audit import walls

if TYPE_CHECKING:
    from audit.models import Entry


# From one chain to the next by the index, however many entries each has.
_CHAINS = """
WITH RECURSIVE found AS (
    (SELECT chain FROM audit_entry ORDER BY chain LIMIT 1)
    UNION ALL
    SELECT (SELECT chain FROM audit_entry WHERE chain > found.chain ORDER BY chain LIMIT 1)
    FROM found WHERE found.chain IS NOT NULL
)
SELECT chain FROM found WHERE chain IS NOT NULL
"""


class EntryQuerySet(models.QuerySet["Entry"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(chain=workspace.pk)

    def about(self, subject: models.Model) -> Self:
        return self.filter(subject_type=subject._meta.model_name, subject_id=str(subject.pk))

    def in_scope(self) -> Self:
        """Of the workspaces that this request, or process, may see."""
        scope = walls.chosen()
        return self if scope is None else self.filter(chain__in=scope)

    def newest_of(self, chain: int) -> "Entry | None":
        return self.filter(chain=chain).order_by("-seq").first()

    def oldest_of(self, chain: int) -> "Entry | None":
        return self.filter(chain=chain).order_by("seq").first()

    def chains(self) -> list[int]:
        """All that there are."""
        with connection.cursor() as cursor:
            cursor.execute(_CHAINS)
            return [chain for (chain,) in cursor.fetchall()]
