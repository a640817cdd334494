"""What the lists of the API may be asked for, by the description of it."""

import pytest

from tests import factories
from tests.config import everything
from tests.config.test_schema import DESCRIPTION

pytestmark = pytest.mark.timeout(300)
PARAMETERS = [
    (address, parameter)
    for address, path in DESCRIPTION["paths"].items()
    for parameter in path.get("get", {}).get("parameters", ())
    if parameter["in"] == "query"
]
NO_VALUE = {"integer": "two", "boolean": "perhaps", "date": "yesterday", "date-time": "yesterday"}


@pytest.fixture
def ask(workspace):
    own = everything.things(workspace)
    client = factories.bearer(factories.token(workspace, factories.user(is_superuser=True)))

    def ask(address, **query):
        there = address.replace("{id}", str(own.get(address.removeprefix("/api/v1/").partition("/{id}")[0])))
        return client.get(there, query)

    return ask


def bad_value(schema):
    """One that the schema does not take; None where it takes any text."""
    schema = schema.get("oneOf", [schema])[0]  # the other is the empty text
    schema = schema.get("items", schema)  # one of several
    if "enum" in schema or "pattern" in schema:
        return "nonsense"
    return NO_VALUE.get(schema.get("format", "")) or NO_VALUE.get(schema["type"])


def test_a_value_that_the_description_does_not_have_is_400_by_its_name(ask):
    wrong = {}
    for address, parameter in PARAMETERS:
        if bad := bad_value(parameter["schema"]):
            answer = ask(address, **{parameter["name"]: bad})
            if answer.status_code != 400 or list(answer.json()["error"].get("fields", ())) != [parameter["name"]]:
                wrong[address, parameter["name"]] = (answer.status_code, answer.content[:200])
    assert wrong == {}
    assert len({address for address, _ in PARAMETERS}) > 20


def test_each_value_that_the_description_has_is_taken(ask):
    answers = {
        (address, value): ask(address, **{parameter["name"]: value}).status_code
        for address, parameter in PARAMETERS
        for value in parameter["schema"].get("items", parameter["schema"]).get("enum", ())
    }
    assert {asked: status for asked, status in answers.items() if status != 200} == {}
    assert len(answers) > 60
