"""Wiring only: settings, urls, API routes, the Celery app and its beat schedule, middleware, env readers."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
