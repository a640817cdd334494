"""From an older key to today's: every secret of every channel, or none."""

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from channels import passwords
from channels.models import SECRETS, Channel


@transaction.atomic
def rotate(*, by: User | None) -> list[str]:
    """Names of the channels whose secrets were encrypted with an older key. Raises Refused when one does not decrypt;
    nothing is changed then. Their binds stay: the secrets are the same."""
    rotated = []
    for channel in Channel.objects.select_for_update().order_by("pk"):
        old = [field for field in SECRETS if (text := getattr(channel, field)) and not passwords.is_current(text)]
        for field in old:
            _seal_anew(channel, field)
        if old:
            # No history: it has no secrets, and nothing else has changed.
            Channel.objects.filter(pk=channel.pk).update(**{field: getattr(channel, field) for field in old})
            record("channel.secrets_rotated", channel, by=by)
            rotated.append(channel.name)
    return rotated


def _seal_anew(channel: Channel, field: str) -> None:
    secret = _secret_of(channel, field)
    setattr(channel, field, channel.sealed(field, secret))
    try:
        channel.opened(field)
    except ImproperlyConfigured as error:
        message = _("CHANNEL_PUBLIC_KEY is no half of CHANNEL_KEY: what it seals would never open.")
        raise Refused(message, code="wrong_public_key") from error


def _secret_of(channel: Channel, field: str) -> str:
    try:
        return channel.opened(field)
    except ImproperlyConfigured as error:
        raise Refused(
            _("A secret of the channel %(channel)s does not decrypt with any key: give it again, or give the key.")
            % {"channel": channel},
            code="secret_unreadable",
        ) from error
