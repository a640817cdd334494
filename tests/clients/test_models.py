"""The types of the client are written from the description of the API."""

import re

import generate_models
import yaml

from stack import ROOT


def test_its_models_are_those_of_the_api() -> None:
    wanted = generate_models.models(yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text()))
    assert _bare(generate_models.MODELS.read_text()) == _bare(wanted), "Run python clients/python/generate_models.py"


def _bare(module: str) -> str:
    """However it is laid out."""
    return re.sub(r"[\s,()]", "", module).replace("'", '"')
