"""What may stand as a message's source address, with its TON and NPI (SMPP 3.4 §5.2.5, §5.2.6)."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from audit.refusal import Refused

# The GSM 03.38 letters, digits and marks that carriers take in an alphanumeric originator (3GPP TS 23.040 §9.1.2.5).
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9 &.,_!?'()+/:;=%@#*$\"<>-]{1,11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    saddr: str
    ton: int
    npi: int


def parse(text: str) -> Address:
    """The address with its natural TON and NPI; raises Refused(bad_saddr) with the rule that it breaks."""
    saddr = text.strip()
    if re.fullmatch(r"\+[1-9]\d{7,14}", saddr):
        return Address(saddr=saddr[1:], ton=1, npi=1)
    if re.fullmatch(r"\d{3,6}", saddr):
        return Address(saddr=saddr, ton=3, npi=0)
    if re.fullmatch(r"[1-9]\d{7,14}", saddr):
        return Address(saddr=saddr, ton=1, npi=1)
    if not re.search(r"[A-Za-z]", saddr):
        raise Refused(
            _("“%(saddr)s” is no short code of 3 to 6 digits, no international number and no name with a letter.")
            % {"saddr": saddr},
            code="bad_saddr",
        )
    if not _ALPHANUMERIC.fullmatch(saddr):
        raise Refused(
            _("“%(saddr)s” is not 1 to 11 characters of the GSM alphabet.") % {"saddr": saddr}, code="bad_saddr"
        )
    return Address(saddr=saddr, ton=5, npi=0)
