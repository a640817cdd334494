"""Each line of the log names the request that it is about, by the id that an error page shows, and nobody's number."""

import logging
import re

from audit import circumstances
from recipients.masking import masked

# Digits as long as a phone number, and no part of an id; where PostgreSQL quotes the row that it does not take.
_NUMBER = re.compile(r"(?<![0-9A-Za-z_.-])\+?(\d{9,15})(?![0-9A-Za-z_-])")
_ROW = re.compile(r"^(\s*(?:psycopg\.\S+: )?(?:DETAIL|CONTEXT):  ?).*$", re.MULTILINE)


class RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = circumstances.current().request_id or "-"
        return True


class Line(logging.Formatter):
    """No code of ours logs a number or a text: this is for what an exception of others says, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        text = _ROW.sub(r"\1(left out)", super().format(record))
        return _NUMBER.sub(lambda found: masked(int(found[1])), text)
