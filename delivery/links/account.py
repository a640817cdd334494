"""A channel as the links see it: a value, so that a change is a comparison."""

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from channels.models import BindMode, Channel


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


def active() -> tuple[list[Account], set[int]]:
    """The active channels, and the ids of those that cannot be opened: their password does not decrypt."""
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
    )
