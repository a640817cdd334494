"""Adds or changes a channel to any SMSC."""

import json
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from channels import accounts
from channels.models import BindMode, DefaultCoding, LongMessages


def _seconds(text: str) -> int | None:
    return None if text == "none" else int(text)


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ArgumentTypeError(f"this is not JSON: {error}") from error


def _file(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(f"{path} cannot be read: {error}") from error


# Each is a field of the channel, but for the two that accounts.save() takes by name and encrypts.
OPTIONS: dict[str, dict[str, Any]] = {
    "system_id": {},
    "password": {},
    "system_type": {},
    "tps": {"type": int, "help": "parts a second over all processes; 0, of a new one: no limit"},
    "window": {"type": int, "help": "most unanswered submit_sm of a bind; of a new one: 10"},
    "binds": {"type": int, "help": "binds of each dispatch process; of a new one: 1"},
    "bind_mode": {"choices": BindMode.values},
    "addr_range": {"help": "told when binding; most carriers want none"},
    "enquire_link_seconds": {"type": int, "metavar": "N", "help": "ask after so much silence; of a new one: 20"},
    "response_timeout_seconds": {"type": _seconds, "metavar": "N|none", "help": "none: as the installation has it"},
    "tls": {"action": BooleanOptionalAction},
    "tls_ca": {"type": _file, "metavar": "FILE", "help": "certificates in PEM to trust instead of the system's"},
    "tls_server_name": {"metavar": "HOST", "help": "the name in the certificate, if it is not the host"},
    "tls_client_certificate": {"type": _file, "metavar": "FILE", "help": "in PEM, with its chain"},
    "tls_client_key": {"type": _file, "metavar": "FILE", "help": "in PEM, without a passphrase"},
    "default_coding": {"choices": DefaultCoding.values, "help": "what data_coding 0 means; of a new one: gsm"},
    "gsm_data_coding": {"type": int, "metavar": "N", "help": "data_coding of GSM texts; of a new one: 0"},
    "ucs2_data_coding": {"type": int, "metavar": "N", "help": "data_coding of UCS-2 texts; of a new one: 8"},
    "long_messages": {"choices": LongMessages.values, "help": "how parts are joined; of a new one: udh8"},
    "service_type": {},
    "dest_ton": {"type": int, "metavar": "N"},
    "dest_npi": {"type": int, "metavar": "N"},
    "plus_sign": {"action": BooleanOptionalAction, "help": "write + before the destination"},
    "default_validity_seconds": {"type": _seconds, "metavar": "N|none", "help": "the longest that the carrier takes"},
    "accepted_is_delivered": {"action": BooleanOptionalAction, "help": "what a receipt means that says ACCEPTED"},
    "answer_overrides": {"type": _object, "metavar": "JSON", "help": 'such as {"0x45": {"action": "fail"}}'},
}


class Command(BaseCommand):
    help = "Add a channel (a carrier's SMPP account), or change the one of that name: what is not given stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        for name, option in OPTIONS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", default=SUPPRESS, **option)
        parser.add_argument(
            "--default",
            dest="is_default",
            action="store_const",
            const=True,
            default=SUPPRESS,
            help="campaigns that name no channel use it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = {name: options[name] for name in ("host", "port", *OPTIONS, "is_default") if name in options}
        try:
            channel = accounts.save(options["name"], by=None, **given)
        except ValidationError as error:
            problems = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            raise CommandError(problems) from error
        self.stdout.write(f"Channel {channel.pk} “{channel.name}” → {channel.host}:{channel.port}")
