from tests.live import live, objects, workspace  # noqa: F401
