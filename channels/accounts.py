"""Writing a carrier account: made or changed by a super admin or a command, recorded without its secrets."""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from audit.ledger import record
from audit.wording import stored
from channels import passwords, tls
from channels.models import Channel

LONGEST_PASSWORD = 8
PASSWORD_REPLACED = stored(gettext_noop("The password was replaced."))
KEY_REPLACED = stored(gettext_noop("The key of the client certificate was replaced."))
BOTH_REPLACED = stored(gettext_noop("The password and the key of the client certificate were replaced."))

_IN_FULL = (
    *("host", "port", "system_id", "system_type", "bind_mode", "tls", "binds", "window", "tps", "is_default"),
    *("is_active", "enquire_link_seconds", "response_timeout_seconds", "tls_server_name", "default_coding"),
    *("gsm_data_coding", "ucs2_data_coding", "long_messages", "service_type", "dest_ton", "dest_npi", "plus_sign"),
    *("addr_range", "default_validity_seconds", "accepted_is_delivered", "answer_overrides"),
)
_BY_DIGEST = ("tls_ca", "tls_client_certificate")  # pages of PEM


@transaction.atomic
def save(
    name: str, *, by: User | None, password: str | None = None, tls_client_key: str | None = None, **fields: Any
) -> Channel:
    """Create the channel, or change it. `password=None` keeps the one that is there, and so does `tls_client_key`;
    without a client certificate there is no key. Opens neither: `web` could not.

    Raises django's ValidationError for a value out of bounds.
    """
    channel = Channel.objects.select_for_update().filter(name=name).first()
    before = _shown(channel) if channel else {}
    made = channel is None
    channel = channel or Channel(name=name)
    was = {"host": channel.host, "certificate": channel.tls_client_certificate}
    for field, value in fields.items():
        setattr(channel, field, value)
    check_secrets(channel, **was, password=password, key=tls_client_key)
    if password is not None:
        channel.password_ciphertext = channel.sealed("password_ciphertext", password)
    if password is not None and len(password.encode()) > LONGEST_PASSWORD:
        raise ValidationError(
            {"password": _("SMPP takes at most %(most)s octets (3.4 §5.2.2).") % {"most": LONGEST_PASSWORD}}
        )
    if not channel.tls_client_certificate:
        channel.tls_client_key_ciphertext = ""
    elif tls_client_key is not None:
        channel.tls_client_key_ciphertext = channel.sealed("tls_client_key_ciphertext", tls_client_key)
    channel.changed_at = timezone.now()
    channel.full_clean(validate_constraints=False)
    if channel.is_default:
        Channel.objects.filter(is_default=True).exclude(pk=channel.pk).update(is_default=False)
    channel.save()
    action = "channel.created" if made else "channel.changed"
    record(action, channel, by=by, before=before, after=_shown(channel), note=_replaced(password, tls_client_key))
    return channel


def _replaced(password: str | None, key: str | None) -> str:
    """What an entry says of secrets, which it must not show."""
    if password is not None:
        return BOTH_REPLACED if key else PASSWORD_REPLACED
    return KEY_REPLACED if key else ""


def check_secrets(channel: Channel, *, host: str, certificate: str, password: str | None, key: str | None) -> None:
    """Whether the channel's secrets go with it, the given ones and those that stay, as they went with the `host` and
    the `certificate` of before. Raises django's ValidationError."""
    if password is None and channel.host != host and passwords.is_of_halves(channel.password_ciphertext):
        raise ValidationError({"password": _("It was sealed for %(host)s: give it again.") % {"host": host}})
    new = channel.tls_client_certificate
    try:
        if key is not None or not (new and channel.tls_client_key_ciphertext):
            tls.check_client(new, key or "")
        elif new != certificate:
            tls.check_same_key(new, certificate)
    except ValueError as error:
        raise ValidationError({"tls_client_certificate": str(error)}) from error


def _shown(channel: Channel) -> dict[str, Any]:
    texts = {field: getattr(channel, field).encode() for field in _BY_DIGEST}
    return {
        **{field: getattr(channel, field) for field in _IN_FULL},
        **{field: f"sha256:{hashlib.sha256(text).hexdigest()}" if text else "" for field, text in texts.items()},
    }
