"""An object on its way to whoever may have it: from the store itself where that can be, else through us."""

from django.http import FileResponse, HttpResponseRedirect

from objects.store import store

FROM_STORE = (
    "The file is in an S3 store: get it from the URL in `Location`, which is good for five minutes and needs no key. "
    "Do not send your `Authorization` header along: it is another host."
)


class FromStore(HttpResponseRedirect):
    """Whoever gets this has the file."""


def attachment(key: str, *, filename: str, content_type: str) -> FileResponse | FromStore:
    """Always a file to save, never a page to look at. The redirect is good for minutes, so nobody may keep it."""
    url = store.download_url(key, filename=filename, content_type=content_type)
    if url:
        return FromStore(url, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    return FileResponse(
        store.open(key),
        as_attachment=True,
        filename=filename,
        content_type=content_type,
        headers={"X-Content-Type-Options": "nosniff"},
    )
