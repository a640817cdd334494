"""Secrets encrypted before they were bound to their channel are encrypted again; what nobody can read stays so."""

import base64
import hashlib
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import migrations

FIELDS = ("password_ciphertext", "tls_client_key_ciphertext")


def bind(apps, schema_editor):
    key = hashlib.sha256(b"channel:" + settings.CHANNEL_KEY.encode()).digest()
    name = hashlib.sha256(b"name:" + key).hexdigest()[:8]
    before = Fernet(base64.urlsafe_b64encode(key))
    Channel = apps.get_model("channels", "Channel")
    for channel in Channel.objects.order_by("pk"):
        for field in FIELDS:
            try:
                secret = before.decrypt(getattr(channel, field).encode())
            except InvalidToken:
                continue
            nonce = os.urandom(12)
            bound = f"message-center/channel/1/{channel.name}/{field}".encode()
            sealed = base64.b64encode(nonce + AESGCM(key).encrypt(nonce, secret, bound)).decode()
            Channel.objects.filter(pk=channel.pk).update(**{field: f"1:{name}:{sealed}"})


class Migration(migrations.Migration):
    dependencies = [("channels", "0006_keep_states_of_links")]
    operations = [migrations.RunPython(bind, migrations.RunPython.noop)]
