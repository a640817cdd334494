"""Writing a carrier account: made or changed by a super admin or a command, recorded without the password."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.ledger import record
from channels import passwords
from channels.models import Channel

LONGEST_PASSWORD = 8


@transaction.atomic
def save(name: str, *, by: User | None, password: str | None = None, **fields: Any) -> Channel:
    """Create the channel, or change it. `password=None` keeps the one that is there.

    Raises django's ValidationError for a value out of bounds.
    """
    channel = Channel.objects.select_for_update().filter(name=name).first()
    before = _shown(channel) if channel else {}
    made = channel is None
    channel = channel or Channel(name=name)
    for field, value in fields.items():
        setattr(channel, field, value)
    if password is not None:
        channel.password_ciphertext = passwords.encrypt(password) if password else ""
    if password is not None and len(password.encode()) > LONGEST_PASSWORD:
        raise ValidationError({"password": f"SMPP takes at most {LONGEST_PASSWORD} octets (3.4 §5.2.2)."})
    channel.changed_at = timezone.now()
    channel.full_clean(validate_constraints=False)
    if channel.is_default:
        Channel.objects.filter(is_default=True).exclude(pk=channel.pk).update(is_default=False)
    channel.save()
    record("channel.created" if made else "channel.changed", channel, by=by, before=before, after=_shown(channel))
    return channel


def _shown(channel: Channel) -> dict[str, Any]:
    fields = ("host", "port", "system_id", "bind_mode", "tls", "binds", "window", "tps", "is_default", "is_active")
    return {field: getattr(channel, field) for field in fields}
