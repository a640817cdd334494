"""gunicorn's own lines, in the log of everybody else."""

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]
    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
