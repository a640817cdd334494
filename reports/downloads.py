"""The file of an export on its way to whoever asked, page or program."""

from django.core.files.storage import default_storage
from django.http import FileResponse

from audit.refusal import Refused
from reports.models import Export, Format
from reports.statuses import Status

CONTENT_TYPE = {Format.CSV: "text/csv; charset=utf-8", Format.CSV_GZ: "application/gzip"}


def response(export: Export) -> FileResponse:
    """Streams from object storage; raises Refused while there is no file."""
    if export.status != Status.READY:
        raise Refused(f"The export is {export.get_status_display().lower()}, not ready.", code="not_ready")
    return FileResponse(
        default_storage.open(export.key),
        as_attachment=True,
        filename=f"campaign-{export.campaign_id}-recipients.{export.format}",
        content_type=CONTENT_TYPE[Format(export.format)],
        headers={"X-Content-Type-Options": "nosniff"},
    )
