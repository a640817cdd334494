"""How a form of a page says no."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.forms import BaseForm

from audit.refusal import Refused


@contextmanager
def refused_on(form: BaseForm) -> Iterator[None]:
    """What a verb refuses becomes an error of the form that asked: nobody types anything twice."""
    try:
        yield
    except Refused as refusal:
        form.add_error(None, refusal.message)
