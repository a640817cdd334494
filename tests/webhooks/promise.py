"""What docs/openapi.yaml promises of an event, held against one that came."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import yaml

from stack import ROOT

DESCRIPTION = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
POSTED = {event: path["post"] for event, path in DESCRIPTION["webhooks"].items()}


def _closed(schema: Any) -> Any:
    """A field that nobody promised is as wrong as one that is missing."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(one) for name, one in schema.items()}
    return closed | ({"additionalProperties": False} if "properties" in schema else {})


COMPONENTS = _closed(copy.deepcopy(DESCRIPTION["components"]))


def check(event: Mapping[str, Any]) -> None:
    schema = POSTED[event["type"]]["requestBody"]["content"]["application/json"]["schema"]
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(event, {**schema, "components": COMPONENTS}, format_checker=checker)


def check_posted(headers: Mapping[str, str], body: bytes) -> None:
    event = json.loads(body)
    check(event)
    wanted = [one["$ref"].rpartition("/")[2] for one in POSTED[event["type"]]["parameters"]]
    assert wanted and all(headers[name] for name in wanted)
    assert headers["Content-Type"] in POSTED[event["type"]]["requestBody"]["content"]
