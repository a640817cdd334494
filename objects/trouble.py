"""The one exception for a store that does not do what it is asked, and what it says."""


def gettext_noop(text: str) -> str:
    """Marks a sentence for the catalogues, which are read by whoever shows it: Django's own asks for the settings."""
    return text


_ = gettext_noop
MISSING = _("There is no object %(key)s in the %(store)s.")
FOLDER = _("folder %(path)s")
FOLDER_FAILS = _("The object storage in the folder %(path)s fails: %(why)s.")
BUCKET = _("bucket %(name)s at %(endpoint)s")
DENIED = _("The %(store)s denies us access (%(code)s): look at the key and its rights.")
ANSWERS_ERROR = _("The %(store)s answers with an error (%(status)s %(code)s).")
NO_ANSWER = _("The %(store)s does not answer in time.")
BREAKS_OFF = _("The %(store)s cannot be reached, or breaks off (%(why)s).")
NOT_DELETED = _("The %(store)s did not delete %(count)s objects (%(code)s).")
ENDS_EARLY = _("The object storage ends an object before its end, again and again.")
SENTENCES = (
    *(MISSING, FOLDER, FOLDER_FAILS, BUCKET, DENIED, ANSWERS_ERROR, NO_ANSWER, BREAKS_OFF),
    *(NOT_DELETED, ENDS_EARLY),
)


class StorageTrouble(OSError):
    """One sentence for operators: it names the store and never a secret. What failed may work in a while."""


class ObjectMissing(StorageTrouble, FileNotFoundError):
    """The store answers, and has no such object: waiting does not help."""
