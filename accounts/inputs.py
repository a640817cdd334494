"""The body of an API call: what is asked for, by name, and nothing else. And what a reader narrows by."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from rest_framework import serializers
from rest_framework.request import Request

from accounts.callers import workspace_of
from audit.refusal import Refused


class Input(serializers.Serializer[Any]):
    """Refuses fields it does not know: a misspelt deadline is an error, not a campaign without one."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                known = ", ".join(self.fields) or "nothing"
                raise serializers.ValidationError(
                    {name: [f"There is no field “{name}” here; known: {known}."] for name in unknown}
                )
        return super().to_internal_value(data)


class NoInput(Input):
    """A verb that needs no words."""


class ReasonInput(Input):
    reason = serializers.CharField(max_length=2000)


class OptionalReasonInput(Input):
    reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class InstantField(serializers.DateTimeField):
    """ISO 8601 with an offset: a time without one means another minute in another country."""

    default_error_messages = {
        "naive": "Say which offset this time has: 2027-03-01T09:00:00+01:00, or …Z for UTC.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return value


class SomeField(serializers.MultipleChoiceField):
    """In an address: one of them, or several with commas between."""

    def get_value(self, dictionary: Any) -> Any:
        return [value for text in dictionary.getlist(self.field_name) for value in text.split(",")]


class OwnField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of something of the calling workspace; what it may not see does not exist."""

    default_error_messages = {"does_not_exist": "There is no such thing as {pk_value} in this workspace."}

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.of(workspace_of(self.context["request"]))


def given(request: Request, serializer: type[Input], *, partial: bool = False) -> dict[str, Any]:
    """The checked body of the call; raises ValidationError (400) naming each field that is wrong."""
    # Django reads no further than Content-Length: a body in chunks would be an empty one, and its fields missing.
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        raise Refused("Say how long the body is (Content-Length): only files come in chunks.", code="length_missing")
    body = serializer(data=request.data, partial=partial, context={"request": request})
    body.is_valid(raise_exception=True)
    return cast(dict[str, Any], body.validated_data)


def asked(request: Request, query: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The checked parameters of the address; raises ValidationError (400) naming each that is wrong."""
    wanted = query(data=request.query_params, context={"request": request})
    wanted.is_valid(raise_exception=True)
    return cast(dict[str, Any], wanted.validated_data)
