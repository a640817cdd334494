"""Each line of the log names the request that it is about: the same id that an error page shows."""

import logging

from audit import circumstances


class RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = circumstances.current().request_id or "-"
        return True
