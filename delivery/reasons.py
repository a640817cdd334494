"""Why the system stopped a campaign or kept a chunk back, as the row keeps it: said again by `audit.wording`."""

from django.utils.translation import gettext_noop as _

from audit.wording import stored

CONTENT_DIFFERS = stored(_("Its content differs from what was approved."))
LIST_NOT_READY = stored(_("Its list is not ready."))
LIST_DIFFERS = stored(_("Its list differs from what was approved."))
SENDER_NOT_APPROVED = stored(_("Its sender “%(sender)s” is not approved any more."))
FOREIGN_LETTER = stored(_("The channel “%(channel)s” has no “%(letter)s” in its alphabet."))
RESTORED_PAUSED = stored(
    _(
        "The database was restored to an earlier point: whoever has no result may have got the message since. "
        "An operator has to release it."
    )
)
RESTORED_FAILED = stored(
    _(
        "It was due when the database was restored to an earlier point: it may have been sent since. "
        "Ask an operator before you send it as a new campaign."
    )
)
CHUNK_FAILED = stored(_("Chunk %(number)s: %(trouble)s, %(times)s times in a row."))

FORGOTTEN = stored(_("The database has forgotten intents that it had."))
ANOTHER_DATABASE = stored(_("This is another database than the one that was sent from."))
