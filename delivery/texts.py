"""A campaign's text as PDUs: one template a part, to be filled with destinations."""

from datetime import datetime

from django.conf import settings

from campaigns import gsm
from campaigns.models import Campaign
from delivery import pacing
from smpp.concat import UDHI, with_headers
from smpp.hot import SubmitTemplate
from smpp.pdu import SubmitSm

UCS2 = 0x08  # data_coding, SMPP 3.4 §5.2.19
RECEIPT_WANTED = 0x01  # registered_delivery, §5.2.17
INTERNATIONAL, ISDN = 1, 1  # TON and NPI of E.164


def templates(campaign: Campaign, *, now: datetime) -> tuple[SubmitTemplate, ...]:
    """One a part. The validity period ends at the deadline at the latest; the concatenation reference is the
    campaign's, so that two campaigns to one number do not mix."""
    encoding = gsm.measure(campaign.text).encoding
    payloads = [gsm.encode_part(part, encoding) for part in gsm.split(campaign.text)]
    until = pacing.validity(now, usual=settings.DEFAULT_VALIDITY, not_after=campaign.not_after)
    return tuple(
        SubmitTemplate(
            SubmitSm(
                source_addr_ton=campaign.revision.ton,
                source_addr_npi=campaign.revision.npi,
                source_addr=campaign.revision.saddr.encode("ascii"),
                dest_addr_ton=INTERNATIONAL,
                dest_addr_npi=ISDN,
                esm_class=UDHI if len(payloads) > 1 else 0,
                validity_period=pacing.smpp_time(until).encode(),
                registered_delivery=RECEIPT_WANTED,
                data_coding=UCS2 if encoding == "ucs2" else 0,
                short_message=payload,
            )
        )
        for payload in with_headers(payloads, reference=campaign.pk)
    )


def parts(campaign: Campaign) -> int:
    return gsm.measure(campaign.text).parts
