"""The lives of an invitation and of a request to join, each one table."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class InvitationStatus(TextChoices):
    PENDING = "pending", _("Invited")
    ACCEPTED = "accepted", _("Accepted")
    REVOKED = "revoked", _("Revoked")


class JoinRequestStatus(TextChoices):
    PENDING = "pending", _("Asked")
    GRANTED = "granted", _("Granted")
    REFUSED = "refused", _("Refused")


# An invitation that is out of date is still pending: sending it again gives it a new link and new days.
INVITATION_MOVES: dict[InvitationStatus, frozenset[InvitationStatus]] = {
    InvitationStatus.PENDING: frozenset({InvitationStatus.ACCEPTED, InvitationStatus.REVOKED}),
    InvitationStatus.ACCEPTED: frozenset(),
    InvitationStatus.REVOKED: frozenset(),
}
JOIN_REQUEST_MOVES: dict[JoinRequestStatus, frozenset[JoinRequestStatus]] = {
    JoinRequestStatus.PENDING: frozenset({JoinRequestStatus.GRANTED, JoinRequestStatus.REFUSED}),
    JoinRequestStatus.GRANTED: frozenset(),
    JoinRequestStatus.REFUSED: frozenset(),
}
