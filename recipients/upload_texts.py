"""What static/uploads.js says, in the reader's language: `{name}` is filled in by the script."""

from django.utils.translation import gettext as _


def in_this_language() -> dict[str, str]:
    return {
        "bytes": _("bytes"),
        "moment": _("a moment"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "hours": _("{n} h"),
        "of": _("{sent} of {total}"),
        "sending": _("Sending. Keep this page open; if the connection is lost, the upload goes on by itself."),
        "waiting": _("No connection. The upload goes on as soon as it is back."),
        "stopped": _("The upload has stopped."),
        "whole": _("The whole file is here."),
        "paused": _("Paused. What has been sent is kept for a day without a byte."),
        "forbidden": _("You may not upload here any more. Reload the page and sign in."),
        "too_large": _("The file is larger than {limit}, the limit here."),
        "failed": _("The upload failed ({reason})."),
        "wrong_kind": _("“{file}” is neither a .txt nor a .csv file."),
        "empty": _("The file is empty."),
        "over_limit": _("“{file}” has {size}; the limit here is {limit}."),
        "interrupted": _("An upload of this file, for the list “{list}”, was interrupted (it began {at})."),
        "unfinished": _("Not finished: {files}. Choose the file again to go on where it stopped."),
    }
