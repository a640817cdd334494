"""Who belongs to the workspace, over the API: members, invitations and requests to join. An admin changes them."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import invitations, join_requests, members
from accounts.callers import user_of, workspace_of
from accounts.inputs import Input, NoInput, asked, given
from accounts.models import Invitation, JoinRequest, Membership, User
from accounts.resources import Kept, Resource, Verb
from accounts.roles import Permission, Role
from accounts.scopes import Scope
from accounts.statuses import InvitationStatus, JoinRequestStatus


class PlaceInput(Input):
    role = serializers.ChoiceField(choices=Role.choices)
    is_moderator = serializers.BooleanField(
        required=False, default=False, help_text="An author who may approve and reject, too."
    )


class ChangePlaceInput(Input):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_moderator = serializers.BooleanField(required=False)


class InvitationInput(PlaceInput):
    email = serializers.EmailField()


class RefusalInput(Input):
    reason = serializers.CharField(max_length=join_requests.LONGEST, required=False, default="", allow_blank=True)


class PersonOutput(serializers.Serializer[User]):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    name = serializers.CharField()


class MemberOutput(serializers.Serializer[Membership]):
    id = serializers.IntegerField()
    user = PersonOutput()
    role = serializers.ChoiceField(choices=Role.choices)
    is_moderator = serializers.BooleanField()
    is_active = serializers.BooleanField(source="user.is_active", help_text="Whether the account is switched on.")


class InvitationOutput(serializers.Serializer[Invitation]):
    """Without the link: that is in the letter, for whoever reads the letters of this address."""

    id = serializers.IntegerField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices)
    is_moderator = serializers.BooleanField()
    status = serializers.ChoiceField(choices=InvitationStatus.choices)
    invited_by = serializers.CharField()
    sent_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class JoinRequestOutput(serializers.Serializer[JoinRequest]):
    id = serializers.IntegerField()
    user = PersonOutput()
    message = serializers.CharField()
    status = serializers.ChoiceField(choices=JoinRequestStatus.choices)
    asked_at = serializers.DateTimeField()
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class MemberQuery(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    search = serializers.CharField(max_length=120, required=False, help_text="A part of the name or email.")


@extend_schema_view(get=extend_schema(parameters=[MemberQuery]))
class Members(generics.ListAPIView[Membership]):
    serializer_class = MemberOutput
    reads = Scope.MEMBERS_READ

    def get_queryset(self) -> QuerySet[Membership]:
        wanted = asked(self.request, MemberQuery)
        found = Membership.objects.of(workspace_of(self.request)).called(wanted.pop("search", ""))
        return found.filter(**wanted).select_related("user")


class OneMember(Kept):
    permission = Permission.MANAGE
    reads = Scope.MEMBERS_READ
    writes = Scope.MEMBERS_WRITE

    @extend_schema(responses=MemberOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(MemberOutput(_member(request, pk)).data)

    @extend_schema(request=ChangePlaceInput, responses=MemberOutput)
    def patch(self, request: Request, pk: int) -> Response:
        """Another role, from the next request on. Not one's own, not a super admin's, not the last admin's."""
        member = _member(request, pk)
        place = {"role": member.role, "is_moderator": member.is_moderator, **given(request, ChangePlaceInput)}
        changed = members.change(member.pk, **place, by=user_of(request), now=timezone.now())
        return Response(MemberOutput(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        members.remove(_member(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationQuery(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=InvitationStatus.choices, required=False)


@extend_schema_view(get=extend_schema(parameters=[InvitationQuery]))
class Invitations(Resource, generics.ListAPIView[Invitation]):
    serializer_class = InvitationOutput
    permission = read_permission = Permission.MANAGE
    reads = Scope.MEMBERS_READ
    writes = Scope.MEMBERS_WRITE

    def get_queryset(self) -> QuerySet[Invitation]:
        found = Invitation.objects.of(workspace_of(self.request)).filter(**asked(self.request, InvitationQuery))
        return found.select_related("invited_by")

    @extend_schema(request=InvitationInput, responses={201: InvitationOutput})
    def post(self, request: Request) -> Response:
        """An email with a link leaves for this address, whether it has an account or not."""
        wanted = given(request, InvitationInput)
        invited = invitations.invite(workspace_of(request).pk, **wanted, by=user_of(request), now=timezone.now())
        return Response(InvitationOutput(invited).data, status=status.HTTP_201_CREATED)


class OneInvitation(Kept):
    permission = read_permission = Permission.MANAGE
    reads = Scope.MEMBERS_READ
    writes = Scope.MEMBERS_WRITE

    @extend_schema(responses=InvitationOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(InvitationOutput(_invitation(request, pk)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Revoked: its link opens nothing any more."""
        invitations.revoke(_invitation(request, pk).pk, by=user_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendInvitation(Verb):
    of = OneInvitation
    permission = read_permission = Permission.MANAGE
    writes = Scope.MEMBERS_WRITE

    @extend_schema(request=NoInput, responses=InvitationOutput)
    def post(self, request: Request, pk: int) -> Response:
        """With another link and all its days; the link before it is dead."""
        invitation = _invitation(request, pk)
        given(request, NoInput)
        sent = invitations.resend(invitation.pk, by=user_of(request), now=timezone.now())
        return Response(InvitationOutput(sent).data)


class JoinRequestQuery(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=JoinRequestStatus.choices, required=False)


@extend_schema_view(get=extend_schema(parameters=[JoinRequestQuery]))
class JoinRequests(generics.ListAPIView[JoinRequest]):
    serializer_class = JoinRequestOutput
    read_permission = Permission.MANAGE
    reads = Scope.MEMBERS_READ

    def get_queryset(self) -> QuerySet[JoinRequest]:
        return _join_requests(self.request).filter(**asked(self.request, JoinRequestQuery))


class OneJoinRequest(Kept):
    read_permission = Permission.MANAGE
    reads = Scope.MEMBERS_READ

    @extend_schema(responses=JoinRequestOutput)
    def get(self, request: Request, pk: int) -> Response:
        return Response(JoinRequestOutput(_join_request(request, pk)).data)


class GrantJoinRequest(Verb):
    of = OneJoinRequest
    answers_it = False  # but the place that it led to
    permission = read_permission = Permission.MANAGE
    writes = Scope.MEMBERS_WRITE

    @extend_schema(request=PlaceInput, responses={201: MemberOutput})
    def post(self, request: Request, pk: int) -> Response:
        asked, place = _join_request(request, pk), given(request, PlaceInput)
        member = join_requests.grant(asked.pk, **place, by=user_of(request), now=timezone.now())
        return Response(MemberOutput(member).data, status=status.HTTP_201_CREATED)


class RefuseJoinRequest(Verb):
    of = OneJoinRequest
    permission = read_permission = Permission.MANAGE
    writes = Scope.MEMBERS_WRITE

    @extend_schema(request=RefusalInput, responses=JoinRequestOutput)
    def post(self, request: Request, pk: int) -> Response:
        asked, words = _join_request(request, pk), given(request, RefusalInput)
        refused = join_requests.refuse(asked.pk, **words, by=user_of(request), now=timezone.now())
        return Response(JoinRequestOutput(refused).data)


def _member(request: Request, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.of(workspace_of(request)).select_related("user"), pk=pk)


def _invitation(request: Request, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.of(workspace_of(request)).select_related("invited_by"), pk=pk)


def _join_requests(request: Request) -> QuerySet[JoinRequest]:
    return JoinRequest.objects.of(workspace_of(request)).select_related("user", "decided_by")


def _join_request(request: Request, pk: int) -> JoinRequest:
    return get_object_or_404(_join_requests(request), pk=pk)
