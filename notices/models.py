"""What people are told by email, and how far the ledger was read for it."""

from django.db import models
from django.db.models import Q

from accounts.models import Workspace
from audit.models import Entry
from notices.querysets import NoticeQuerySet

INSTALLATION = 0


class Cursor(models.Model):
    """Every entry of the workspace's chain up to `seq` has been looked at."""

    workspace = models.OneToOneField(Workspace, primary_key=True, on_delete=models.PROTECT, related_name="+")
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.workspace_id}/{self.seq}"


class InstallationCursor(models.Model):
    """As `Cursor`, of the chain that is no workspace's: one row."""

    chain = models.BigIntegerField(primary_key=True, default=INSTALLATION)
    seq = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="installation_cursor_is_one", condition=Q(chain=INSTALLATION))]

    def __str__(self) -> str:
        return f"{self.chain}/{self.seq}"


class Notice(models.Model):
    """One entry that somebody is told of. Whom, is found out when the letters are written."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(name="notice_unsent", fields=["made_at"], condition=Q(sent_at=None))]

    def __str__(self) -> str:
        return str(self.entry)
