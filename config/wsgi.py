"""WSGI entry point for gunicorn."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# None of this is garbage: the collector need not look at it while somebody waits, nor do workers copy its pages.
gc.collect()
gc.freeze()
