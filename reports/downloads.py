"""The file of an export on its way to whoever asked, page or program."""

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from objects.downloads import attachment
from reports.models import Export, Format, Inquiry, Numbers
from reports.statuses import Status

CONTENT_TYPE = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.CSV_GZ: "application/gzip",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.EVIDENCE: "application/zip",
}
ENDING = {
    Format.CSV: "recipients.csv",
    Format.CSV_GZ: "recipients.csv.gz",
    Format.PARQUET: "recipients.parquet",
    Format.EVIDENCE: "evidence.zip",
}


def response(export: Export, *, by: User) -> HttpResponseBase:
    """The ledger says who took whole numbers along. Raises Refused while there is no file."""
    if export.status != Status.READY:
        told = {"status": export.get_status_display().lower()}
        raise Refused(_("The export is %(status)s, not ready.") % told, code="not_ready")
    if export.numbers == Numbers.WHOLE:
        with transaction.atomic():
            record("export.downloaded", export, by=by, after={"campaign": export.campaign_id})
    format = Format(export.format)
    filename = f"campaign-{export.campaign_id}-{ENDING[format]}"
    return attachment(export.key, filename=filename, content_type=CONTENT_TYPE[format])


def inquiry_response(inquiry: Inquiry) -> HttpResponseBase:
    """Its name does not say whose number it is. Raises Refused while there is no file."""
    if inquiry.status != Status.READY:
        told = {"status": inquiry.get_status_display().lower()}
        raise Refused(_("The inquiry is %(status)s, not ready.") % told, code="not_ready")
    return attachment(inquiry.key, filename=f"inquiry-{inquiry.pk}.zip", content_type="application/zip")
