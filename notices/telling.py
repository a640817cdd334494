"""The letters of a notice leave. A letter that is lost is no lost decision: pages say it all."""

import logging
from datetime import datetime
from smtplib import SMTPRecipientsRefused

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from notices import letters
from notices.models import Notice

logger = logging.getLogger(__name__)


def tell(notice_id: int, *, now: datetime) -> None:
    """Whoever claims the notice sends its letters; while the mail server is away, the next look rings again."""
    if not Notice.objects.claim(notice_id, now=now):
        return
    notice = Notice.objects.select_related("entry").get(pk=notice_id)
    wanted = letters.of(notice.entry)
    if wanted:
        with get_connection() as connection:
            for letter in wanted:
                _send(letter, connection, notice)
    Notice.objects.filter(pk=notice_id).update(sent_at=now)


def _send(letter: letters.Letter, connection: BaseEmailBackend, notice: Notice) -> None:
    message = EmailMessage(letter.subject, letter.text, to=[letter.to], connection=connection)
    message.extra_headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered to us
    try:
        message.send()
    except SMTPRecipientsRefused:  # one address that does not work is not the others' trouble
        logger.warning("notice.refused", extra={"notice": notice.pk})
