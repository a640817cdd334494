"""Writes message_center_client/models.py anew, from docs/openapi.yaml: `python clients/python/generate_models.py`."""

import keyword
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
API = HERE.parent.parent / "docs" / "openapi.yaml"
MODELS = HERE / "message_center_client" / "models.py"

HEAD = '''"""Bodies and answers of the API, written by generate_models.py from its description. Times are ISO 8601."""

from datetime import date, datetime
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict
'''
ENVELOPE = "Error"  # becomes an exception
PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "dict[str, Any]",
    "null": "None",
}


def models(description: Mapping[str, Any]) -> str:
    """The module's text."""
    schemas = {
        name: schema
        for name, schema in description["components"]["schemas"].items()
        if name != ENVELOPE and not name.startswith("Paginated")
    }
    names = [_name(name) for name in schemas]
    assert len(names) == len(set(names)), "two schemas would have one name"
    classes = {name: schema for name, schema in schemas.items() if "properties" in schema}
    aliases = {name: schema for name, schema in schemas.items() if name not in classes}
    parts = [HEAD, *(f"{_name(name)}: TypeAlias = {_kind(schema)}" for name, schema in sorted(aliases.items()))]
    parts += ["", *("\n".join(_class(name, schema)) for name, schema in sorted(classes.items()))]
    reads = {path["get"]["operationId"]: path["get"] for path in description["paths"].values() if "get" in path}
    parts += [line for name, said in sorted(reads.items()) for line in _query(name, said)]
    return "\n".join(parts)


def _name(name: str) -> str:
    """`CampaignOutput` is a Campaign, `PatchedCampaignInputRequest` a PatchedCampaignInput."""
    return name.removesuffix("Request").removesuffix("Output")


def _class(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    fields, required = schema["properties"], set(schema.get("required", ()))
    awkward = any(keyword.iskeyword(field) or not field.isidentifier() for field in fields)
    assert not awkward, f"{name} has a field that is no name in Python"
    yield f"\nclass {_name(name)}(TypedDict):"
    for field, of in fields.items():
        kind = f"datetime | {_kind(of)}" if _is_given_instant(name, of) else _kind(of)
        yield f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}"
    yield ""


def _query(operation: str, said: Mapping[str, Any]) -> Iterator[str]:
    """What is asked for, where one can choose. The ledger's `from` is no name in Python: its method has other ones."""
    parameters = said.get("parameters", ())
    asked = {one["name"]: one["schema"] for one in parameters if one["in"] == "query" and one["name"] != "cursor"}
    if set(asked) <= {"page_size"} or any(keyword.iskeyword(field) for field in asked):
        return
    name = operation.removesuffix("_list").removesuffix("_retrieve").title().replace("_", "")
    yield f"\nclass {name}Query(TypedDict, total=False):"
    yield from (f"    {field}: {_asked(schema)}" for field, schema in asked.items())
    yield ""


def _asked(schema: Mapping[str, Any]) -> str:
    return {"date": "date | str", "date-time": "datetime | str"}.get(schema.get("format", ""), _kind(schema))


def _is_given_instant(name: str, schema: Mapping[str, Any]) -> bool:
    """What a program sends may be a time of its own; what it gets is as JSON has it."""
    return name.endswith("InputRequest") and schema.get("format") == "date-time"


def _kind(schema: Mapping[str, Any]) -> str:
    if reference := schema.get("$ref"):
        return f'"{_name(reference.rpartition("/")[2])}"'
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return _union(_kind(one) for one in schema[word])
    if "allOf" in schema:
        return _kind(schema["allOf"][0])
    if "enum" in schema or "const" in schema:
        return _literal(schema)
    if "type" not in schema:
        return "Any"
    kinds = schema["type"]
    return _union(_of_type(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _of_type(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"list[{_kind(schema['items'])}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"dict[str, {_kind(schema['additionalProperties'])}]"
    return PLAIN[kind]


def _union(kinds: Iterator[str]) -> str:
    """A name in quotes cannot be joined with `|` by the interpreter: then the whole of it is quoted."""
    found = sorted(dict.fromkeys(kinds), key=lambda kind: kind == "None")
    joined = " | ".join(kind.strip('"') for kind in found)
    return f'"{joined}"' if len(found) > 1 and any(kind.startswith('"') for kind in found) else joined


def _literal(schema: Mapping[str, Any]) -> str:
    return f"Literal[{', '.join(repr(value) for value in schema.get('enum', [schema.get('const')]))}]"


if __name__ == "__main__":
    MODELS.write_text(models(yaml.safe_load(API.read_text())))
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(MODELS)], check=True)
