from tests.journeys.runbook import operator  # noqa: F401
from tests.live import live, objects, workspace  # noqa: F401
