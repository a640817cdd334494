"""Every code has its name and its sentence."""

import pytest
from smpplib import consts

from smpp import status
from smpp.status import CommandStatus


@pytest.mark.parametrize("code", CommandStatus)
def test_every_code_has_a_sentence(code):
    assert status.text(code).endswith(".")
    assert status.name(code) == f"ESME_{code.name}"


@pytest.mark.parametrize("name", [name for name in dir(consts) if name.startswith("SMPP_ESME_")])
def test_the_codes_are_those_of_smpplib(name):
    assert status.name(getattr(consts, name)) == name.removeprefix("SMPP_")


def test_codes_without_a_name_are_shown_as_they_are():
    assert status.name(0x401) == "0x00000401"
    assert "a code of its own" in status.text(0x401)
    assert "not known" in status.text(0x999)
