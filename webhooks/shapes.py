"""The shape of each event: what is sent is written by it, and the description of the API, too.

Thin: ids, and what has changed; who wants more asks the API (docs/webhooks.md).
"""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.statuses import Status
from delivery.statuses import TERM_OF
from recipients.statuses import Source
from webhooks.statuses import OF_CAMPAIGNS, OF_EXPORTS, SETTLED, TEST, Change, Event

Shape = type[serializers.Serializer[Any]]

CAMPAIGN_TYPES = [(event.value, event.label) for event in Event if event in OF_CAMPAIGNS]
EXPORT_TYPES = [(event.value, event.label) for event in Event if event in OF_EXPORTS]
MESSAGES_TYPES = [(Event.MESSAGES.value, Event.MESSAGES.label)]
SUPPRESSIONS_TYPES = [(Event.SUPPRESSIONS.value, Event.SUPPRESSIONS.label)]
TEST_TYPES = [(TEST, "Somebody tries the endpoint")]
SETTLED_STATUSES = [(TERM_OF[state].value, TERM_OF[state].label) for state in SETTLED]


@extend_schema_field({"$ref": "#/components/schemas/ExportFormat"})
class ExportFormat(serializers.CharField):
    """Known by the reports, which are no room of ours."""


@extend_schema_field({"type": ["string", "null"]})
class Number(serializers.CharField):
    """May be there, and may be null."""


class NamedCampaign(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class CampaignMove(serializers.Serializer[Any]):
    campaign = NamedCampaign()
    status = serializers.ChoiceField(choices=Status.choices)
    previous_status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(help_text="What somebody, or the system, said to it; often empty.")


class ExportFacts(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    format = ExportFormat()
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(allow_null=True)
    kept_until = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(allow_null=True, help_text="Fetched with a key that has the scope `exports`.")


class ExportEnd(serializers.Serializer[Any]):
    campaign = NamedCampaign()
    export = ExportFacts()
    reason = serializers.CharField(help_text="Why it failed; empty when it is ready.")


class MessageError(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField()


class SettledMessage(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="The campaign's, and the recipient's number within its list, from 0.")
    status = serializers.ChoiceField(choices=SETTLED_STATUSES)
    error = MessageError(allow_null=True, help_text="Why it failed.")
    done_at = serializers.DateTimeField(allow_null=True)
    to = Number(required=False, help_text="For an endpoint `with_numbers`; null once it is no longer kept.")


class SettledMessages(serializers.Serializer[Any]):
    campaign = NamedCampaign()
    messages = SettledMessage(many=True)


class SuppressionChange(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="As `GET suppressions/` has it. What is removed says which was added.")
    change = serializers.ChoiceField(choices=Change.choices)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # a field, not Field.source
    reason = serializers.CharField(help_text="Why it was added, or removed.")
    at = serializers.DateTimeField()
    to = Number(required=False, help_text="For an endpoint `with_numbers`; null once it is removed or erased.")


class SuppressionsImported(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the import, as `GET suppressions/imports/` has it.")
    added = serializers.IntegerField(help_text="How many numbers.")
    at = serializers.DateTimeField()


class SuppressionsChanged(serializers.Serializer[Any]):
    changes = SuppressionChange(many=True, help_text="In their order, but for what was imported.")
    imports = SuppressionsImported(many=True, help_text="Files that were imported meanwhile.")


@extend_schema_field({"type": "object", "maxProperties": 0})
class Nothing(serializers.DictField):
    """What a test says."""


def _event(name: str, types: Sequence[tuple[str, Any]], data: Callable[[], Any]) -> Shape:
    """Made by hand, as `data` is a property of serializers already."""
    fields = {
        "type": serializers.ChoiceField(choices=types),
        "timestamp": serializers.DateTimeField(help_text="When it happened."),
        "data": data(),
    }
    return type(name, (serializers.Serializer,), fields)


OF: dict[str, Shape] = {
    **dict.fromkeys(dict(CAMPAIGN_TYPES), _event("CampaignEvent", CAMPAIGN_TYPES, CampaignMove)),
    **dict.fromkeys(dict(EXPORT_TYPES), _event("ExportEvent", EXPORT_TYPES, ExportEnd)),
    **dict.fromkeys(dict(MESSAGES_TYPES), _event("MessagesEvent", MESSAGES_TYPES, SettledMessages)),
    **dict.fromkeys(dict(SUPPRESSIONS_TYPES), _event("SuppressionsEvent", SUPPRESSIONS_TYPES, SuppressionsChanged)),
    **dict.fromkeys(dict(TEST_TYPES), _event("TestEvent", TEST_TYPES, Nothing)),
}
