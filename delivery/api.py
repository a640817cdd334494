"""Over the API: messages pushed into a trigger campaign, and messages from phones, to read."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import key_of, workspace_of
from accounts.inputs import Input, InstantField, given
from accounts.resources import Resource
from accounts.scopes import Scope
from audit.refusal import Refused
from campaigns.models import Campaign
from delivery import pushing
from delivery.models import Inbound
from delivery.pushing import Ask, Taken
from delivery.statuses import Term
from recipients import outputs, unmasking
from recipients.masking import shown


class MessageInput(Input):
    to = serializers.CharField(max_length=40, help_text="E.164, or as people write it in the workspace's country")
    params = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=1000, trim_whitespace=False),
        required=False,
        help_text="What fills the placeholders of the text, by name: each that has no default, or `text`.",
    )
    text = serializers.CharField(
        max_length=10_000,
        required=False,
        trim_whitespace=False,
        help_text="What the message must come to: the approved text with its placeholders filled, else 422.",
    )
    key = serializers.CharField(
        max_length=pushing.LONGEST_KEY,
        required=False,
        help_text="Yours, once in the campaign: the same key with the same message answers the same and sends nothing "
        "more; with another message it is refused (422).",
    )
    expires_at = InstantField(required=False, help_text="What is unsent then, is not sent. The campaign's end at most.")


class MessagesInput(Input):
    messages = serializers.ListField(child=MessageInput(), allow_empty=False, max_length=pushing.MOST)


class TakenOutput(serializers.Serializer[Taken]):
    id = serializers.IntegerField(help_text="Within the campaign.")
    status = serializers.ChoiceField(choices=Term.choices, help_text="waiting, or suppressed: then it is not sent.")


# As in the envelope of errors. Made by hand: `fields` is a property of serializers already.
ProblemOutput = type(
    "ProblemOutput",
    (serializers.Serializer,),
    {
        "code": serializers.CharField(),
        "message": serializers.CharField(),
        "fields": serializers.DictField(
            child=serializers.ListField(child=serializers.CharField()),
            required=False,
            help_text="What is wrong with each field.",
        ),
    },
)


class AnswerOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField(required=False)
    status = serializers.ChoiceField(choices=Term.choices, required=False)
    error = ProblemOutput(required=False, help_text="Why this one was not accepted; the others are.")


class AnswersOutput(serializers.Serializer[Any]):
    messages = AnswerOutput(many=True, help_text="One for each, in order.")


class PushMessages(Resource):
    """Into a trigger campaign: one message, or up to 1,000 as `messages`, each with an answer of its own."""

    writes = Scope.MESSAGES

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="PushInput", serializers=[MessageInput, MessagesInput], resource_type_field_name=None
        ),
        responses={
            202: PolymorphicProxySerializer(
                component_name="PushOutput", serializers=[TakenOutput, AnswersOutput], resource_type_field_name=None
            )
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        try:
            campaign = pushing.campaign_of(workspace_of(request), pk)
        except Campaign.DoesNotExist as error:
            raise NotFound from error
        if isinstance(request.data, Mapping) and "messages" in request.data:
            asks = [Ask(**one) for one in given(request, MessagesInput)["messages"]]
            answers = pushing.push(campaign, asks, by=key_of(request), now=timezone.now())
            return Response({"messages": [_shown(answer) for answer in answers]}, status=status.HTTP_202_ACCEPTED)
        ask = Ask(**given(request, MessageInput))
        (answer,) = pushing.push(campaign, [ask], by=key_of(request), now=timezone.now())
        if isinstance(answer, Refused):
            raise answer
        return Response(_shown(answer), status=status.HTTP_202_ACCEPTED)


def _shown(answer: Taken | Refused) -> dict[str, Any]:
    if isinstance(answer, Refused):
        fields = {"fields": {answer.field: [answer.message]}} if answer.field else {}
        return {"error": {"code": answer.code, "message": answer.message, **fields}}
    return dict(TakenOutput(answer).data)


class InboundOutput(serializers.Serializer[Inbound]):
    id = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    sender = serializers.SerializerMethodField(help_text=f"{outputs.HELP} Null when it was no phone number.")
    to = serializers.CharField(source="to_address", help_text="The sender address or short code that was written to.")
    text = serializers.CharField()
    keyword = serializers.CharField(help_text="The stop word that it was taken for; the number is suppressed since.")

    def get_sender(self, message: Inbound) -> str | None:
        return shown(message.phone, is_whole=self.context.get("is_whole", False)) if message.phone else None


class InboundMessages(generics.ListAPIView[Inbound]):
    """Those to addresses that are this workspace's alone; a long message comes in parts."""

    reads = Scope.INBOUND_READ
    names_numbers = True
    serializer_class = InboundOutput

    def get_queryset(self) -> Any:
        return Inbound.objects.of(workspace_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        is_whole = unmasking.for_call(self.request, workspace_of(self.request), of="inbound")
        return {**super().get_serializer_context(), "is_whole": is_whole}
