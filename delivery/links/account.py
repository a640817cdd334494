"""A channel as the links see it: a value, so that a change is a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from channels.models import BindMode, Channel, DefaultCoding, IdBase, LongMessages


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    channel_id: int
    name: str
    host: str
    port: int
    system_id: str
    password: str
    system_type: str
    pair: bool
    tls: bool
    binds: int
    window: int
    tps: int
    enquire_link_seconds: int = 20
    response_timeout_seconds: int | None = None
    tls_ca: str = ""
    tls_server_name: str = ""
    tls_client_certificate: str = ""
    tls_client_key: str = ""
    default_coding: str = DefaultCoding.GSM
    gsm_data_coding: int = 0
    ucs2_data_coding: int = 8
    long_messages: str = LongMessages.UDH8
    service_type: str = ""
    dest_ton: int = 1
    dest_npi: int = 1
    plus_sign: bool = False
    addr_range: str = ""
    default_validity_seconds: int | None = None
    accepted_is_delivered: bool = False
    # Learnt from the receipts: no reason to close a bind.
    receipt_id_base: str = field(default=IdBase.UNKNOWN, compare=False)
    answer_overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # A person who saves it as it was says: look again. What refused us may have been changed at the carrier's.
    changed_at: datetime | None = None


def active() -> tuple[list[Account], set[int]]:
    """The active channels, and the ids of those that cannot be opened: a secret does not decrypt."""
    found, locked = [], set()
    for channel in Channel.objects.active().order_by("pk"):
        try:
            found.append(_account(channel))
        except ImproperlyConfigured:
            locked.add(channel.pk)
    return found, locked


def _account(channel: Channel) -> Account:
    return Account(
        channel_id=channel.pk,
        name=channel.name,
        host=channel.host,
        port=channel.port,
        system_id=channel.system_id,
        password=channel.password,
        system_type=channel.system_type,
        pair=channel.bind_mode == BindMode.PAIR,
        tls=channel.tls,
        binds=channel.binds,
        window=channel.window,
        tps=channel.tps,
        enquire_link_seconds=channel.enquire_link_seconds,
        response_timeout_seconds=channel.response_timeout_seconds,
        tls_ca=channel.tls_ca,
        tls_server_name=channel.tls_server_name,
        tls_client_certificate=channel.tls_client_certificate,
        tls_client_key=channel.tls_client_key,
        default_coding=channel.default_coding,
        gsm_data_coding=channel.gsm_data_coding,
        ucs2_data_coding=channel.ucs2_data_coding,
        long_messages=channel.long_messages,
        service_type=channel.service_type,
        dest_ton=channel.dest_ton,
        dest_npi=channel.dest_npi,
        plus_sign=channel.plus_sign,
        addr_range=channel.addr_range,
        default_validity_seconds=channel.default_validity_seconds,
        accepted_is_delivered=channel.accepted_is_delivered,
        receipt_id_base=channel.receipt_id_base,
        answer_overrides=channel.answer_overrides,
        changed_at=channel.changed_at,
    )
