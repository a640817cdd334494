"""How a workspace is run: who belongs to it, its keys, by which rules it approves and how much it may send.

Everybody may read members, rules and limits; the rest wants an admin's token.
"""

from collections.abc import Iterator
from typing import Unpack

from message_center_client import models
from message_center_client.noun import Kept, Noun


class Members(Kept[models.Member]):
    _kind, _path = models.Member, "members/"

    def all(self, **filters: Unpack[models.MembersQuery]) -> Iterator[models.Member]:
        return self._calls.pages(models.Member, "members/", **filters)

    def change(
        self, pk: int, *, if_match: str | None = None, **place: Unpack[models.PatchedChangePlaceInput]
    ) -> models.Member:
        """`role`, `is_moderator`: from the member's next call on."""
        return self._calls.patch(models.Member, self._at(pk), place, if_match=if_match)

    def remove(self, pk: int, *, if_match: str | None = None) -> None:
        """With the tokens that stood on this place."""
        self._calls.delete(self._at(pk), if_match=if_match)


class Invitations(Kept[models.Invitation]):
    """The link is in the letter, and in no answer."""

    _kind, _path = models.Invitation, "invitations/"

    def create(
        self, *, idempotency_key: str | None = None, **wanted: Unpack[models.InvitationInput]
    ) -> models.Invitation:
        """`email`, `role`, `is_moderator`. A letter leaves."""
        return self._calls.post(models.Invitation, "invitations/", wanted, key=idempotency_key)

    def all(self, **filters: Unpack[models.InvitationsQuery]) -> Iterator[models.Invitation]:
        return self._calls.pages(models.Invitation, "invitations/", **filters)

    def resend(self, pk: int, *, if_match: str | None = None) -> models.Invitation:
        """With another link; the one before it opens nothing any more."""
        return self._calls.post(models.Invitation, f"{self._at(pk)}resend/", if_match=if_match)

    def revoke(self, pk: int, *, if_match: str | None = None) -> None:
        self._calls.delete(self._at(pk), if_match=if_match)


class JoinRequests(Kept[models.JoinRequest]):
    """Who asks to join."""

    _kind, _path = models.JoinRequest, "join-requests/"

    def all(self, **filters: Unpack[models.JoinRequestsQuery]) -> Iterator[models.JoinRequest]:
        return self._calls.pages(models.JoinRequest, "join-requests/", **filters)

    def grant(self, pk: int, *, if_match: str | None = None, **place: Unpack[models.PlaceInput]) -> models.Member:
        """`role`, `is_moderator`."""
        return self._calls.post(models.Member, f"{self._at(pk)}grant/", place, if_match=if_match)

    def refuse(self, pk: int, reason: str = "", *, if_match: str | None = None) -> models.JoinRequest:
        return self._calls.post(models.JoinRequest, f"{self._at(pk)}refuse/", {"reason": reason}, if_match=if_match)


class Keys(Kept[models.Key]):
    """Keys of the workspace and personal tokens. They are made on the pages alone, where their secret is shown once."""

    _kind, _path = models.Key, "keys/"

    def all(self) -> Iterator[models.Key]:
        """Also those that are revoked or out of date."""
        return self._calls.pages(models.Key, "keys/")

    def revoke(self, pk: int, *, if_match: str | None = None) -> None:
        """The next call with it is refused (KeyRefused)."""
        self._calls.delete(self._at(pk), if_match=if_match)


class Rules(Noun):
    """By which campaigns are approved."""

    def get(self) -> models.Rules:
        return self._calls.get(models.Rules, "rules/")

    def read(self) -> tuple[models.Rules, str]:
        """And their tag, for `if_match`."""
        return self._calls.read(models.Rules, "rules/")

    def change(self, *, if_match: str | None = None, **rules: Unpack[models.PatchedRulesInput]) -> models.Rules:
        """`four_eyes`, `second_approver_above`, `approval_days`, `tokens_may_decide`: from the next decision on."""
        return self._calls.patch(models.Rules, "rules/", rules, if_match=if_match)


class Limits(Noun):
    """How much the workspace may send and where to, and what it has spent."""

    def get(self) -> models.Limits:
        return self._calls.get(models.Limits, "limits/")

    def read(self) -> tuple[models.Limits, str]:
        """And their tag, for `if_match`: what is spent does not change that."""
        return self._calls.read(models.Limits, "limits/")

    def set(self, *, if_match: str | None = None, **limits: Unpack[models.LimitsInput]) -> models.Limits:
        """All of them: `parts_per_day`, `parts_per_month` (None: as many as one likes), `destinations` (none:
        everywhere)."""
        return self._calls.put(models.Limits, "limits/", limits, if_match=if_match)
