"""What `manage.py check --deploy` says of an installation, beside what Django says."""

import logging
from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from config import plain


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        logging.captureWarnings(True)  # they are lines of the log as well
        register(stores_are_reached_safely, Tags.security, deploy=True)


def stores_are_reached_safely(app_configs: object, **about: Any) -> Iterable[CheckMessage]:
    return [Warning(said, hint=HINT, id="message_center.W001") for said in plain.found(*settings.STORE_URLS)]


HINT = "Over a network that is not yours alone, reach the stores by TLS; STORES_NEED_TLS=True then starts nothing else."
