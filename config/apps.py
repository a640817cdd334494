"""What `manage.py check --deploy` says of an installation, beside what Django says."""

import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from config import plain


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import names  # noqa: PLC0415  # the models are loaded only now

        logging.captureWarnings(True)  # they are lines of the log as well
        _start_what_is_asked_for()
        names.apply()  # before the desk is put together
        register(stores_are_reached_safely, Tags.security, deploy=True)


def _start_what_is_asked_for() -> None:
    """Imported only then: whoever wants neither need not have them, nor wait for them."""
    asked = {"config.error_reports": settings.SENTRY_DSN, "config.tracing": settings.OTEL_EXPORTER_OTLP_ENDPOINT}
    try:
        for name in (name for name, address in asked.items() if address):
            import_module(name).start()
    except ImportError as error:
        raise ImproperlyConfigured(f"{error}: install the extra `sentry` or `otel` (docs/deploy.md).") from error


def stores_are_reached_safely(app_configs: object, **about: Any) -> Iterable[CheckMessage]:
    return [Warning(said, hint=HINT, id="message_center.W001") for said in plain.found(*settings.STORE_URLS)]


HINT = "Over a network that is not yours alone, reach the stores by TLS; STORES_NEED_TLS=True then starts nothing else."
