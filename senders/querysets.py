"""Which senders, which revisions."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from senders.statuses import RevisionStatus, SenderStatus

if TYPE_CHECKING:
    from senders.models import Revision, Sender


class SenderQuerySet(models.QuerySet["Sender"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def usable(self) -> Self:
        return self.filter(status=SenderStatus.APPROVED)

    def lock(self, pk: int) -> "Sender":
        # NO KEY: campaigns that point at this row must not wait for us.
        return self.select_for_update(of=("self",), no_key=True).select_related("workspace").get(pk=pk)


class RevisionQuerySet(models.QuerySet["Revision"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(sender__workspace=workspace)

    def pending(self) -> Self:
        return self.filter(status=RevisionStatus.PENDING)

    def approved(self) -> Self:
        return self.filter(status=RevisionStatus.APPROVED)
