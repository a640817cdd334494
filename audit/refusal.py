"""The one word for "no"."""


class Refused(Exception):
    """A business rule says no; `message` is fit to show to whoever asked, `code` is for programs, `field` names what
    was given wrong, where it is one thing, `retry_after` how many seconds later it may be asked again.

    Translated once per edge: `config.middleware` for pages, `config.api` for the API.
    """

    def __init__(self, message: str, *, code: str, field: str = "", retry_after: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field
        self.retry_after = retry_after
