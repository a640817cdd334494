"""What the description of the API promises to whoever writes a program from it alone."""

from collections import defaultdict
from collections.abc import Iterator

import jsonschema
import pytest
import yaml

from config.operations import SUMMARIES, TAGS
from stack import ROOT

DESCRIPTION = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
OPERATIONS = [
    (f"{method.upper()} {address}", operation)
    for address, path in DESCRIPTION["paths"].items()
    for method, operation in path.items()
]
EACH = pytest.mark.parametrize("operation", [found for _, found in OPERATIONS], ids=[name for name, _ in OPERATIONS])


def json_of(operation) -> Iterator[dict]:
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for part in (operation.get("requestBody", {}), *answers):
        if media := part.get("content", {}).get("application/json"):
            yield media


def check(example, schema) -> None:
    jsonschema.validate(
        example,
        {**schema, "components": DESCRIPTION["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


@EACH
def test_it_has_an_example_of_each_body_and_each_answer_that_its_schema_takes(operation):
    for media in json_of(operation):
        check(media["example"], media["schema"])


@EACH
def test_it_names_the_ways_in_which_it_may_say_no(operation):
    expected = {"401", "403", "429", "503", "default"}
    expected |= {"400", "413", "415"} if "requestBody" in operation else set()
    assert expected <= set(operation["responses"])


def test_each_operation_has_a_name_and_a_summary_of_its_own_and_none_is_left_over():
    found = {operation["operationId"]: operation["summary"] for _, operation in OPERATIONS}
    assert found == SUMMARIES
    assert len(found) == len(OPERATIONS)


def test_what_is_said_of_an_address_is_said_of_no_other():
    said = defaultdict(set)
    for name, operation in OPERATIONS:
        for words in operation.get("description", "").split("\n\n"):
            if words and not words.startswith(("A key needs", "Numbers are whole")):
                said[words].add(name.partition(" ")[2])
    assert {words: places for words, places in said.items() if len(places) > 1} == {}
    assert len(said) > 30


def test_every_tag_is_described_and_used():
    assert {tag for _, operation in OPERATIONS for tag in operation["tags"]} == set(TAGS)


def test_every_example_of_an_error_is_in_the_envelope():
    for answer in DESCRIPTION["components"]["responses"].values():
        check(answer["content"]["application/json"]["example"], {"$ref": "#/components/schemas/Error"})


def test_every_enumeration_has_a_name_that_was_chosen():
    found = {name for name, schema in DESCRIPTION["components"]["schemas"].items() if "enum" in schema}
    assert {name for name in found if name.endswith("Enum")} == {"BlankEnum", "NullEnum"} & found
    assert len(found) > 20
