"""Flower's own settings, read by its --conf: who may look, and how a task is called there."""

import ast
import inspect
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from flower.views.monitor import Metrics
from tornado.web import authenticated

from config.celery import app
from config.env import secret

# Whoever can look sees no more: what Flower could do to workers is no verb of ours, and nobody would have done it.
read_only = True
basic_auth = [secret("FLOWER_BASIC_AUTH")]
if not all(basic_auth[0].partition(":")):
    raise ImproperlyConfigured("FLOWER_BASIC_AUTH must be user:password.")
app.loader.import_default_modules()
Metrics.get = authenticated(Metrics.get)  # it is open to everybody, and tells the names of tasks and machines


def format_task(task: Any) -> Any:
    """“recipients: prepare · list_id 17” instead of a path of modules and a tuple."""
    room, _, verb = str(task.name or "").partition(".tasks.")
    if not verb:
        return task
    task.args = _named(task.name, task.args)
    task.name = " · ".join(filter(None, [f"{room}: {verb.replace('_', ' ')}", task.args]))
    return task


def _named(name: str, args: str) -> str:
    """The arguments as the function calls them; what was cut off on its way stays as it is."""
    try:
        values = ast.literal_eval(args or "()")
    except (ValueError, SyntaxError):
        return args
    parameters = inspect.signature(app.tasks[name].run).parameters if name in app.tasks else {}
    return ", ".join(f"{parameter} {value}" for parameter, value in zip(parameters, values, strict=False))
