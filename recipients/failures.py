"""Why a file became no list, as the row keeps it: in English, and said again by `audit.wording` on a page."""

from django.utils.translation import gettext_noop as _

from audit.wording import stored

EMPTY = stored(_("The file is empty."))
HEADER_ONLY = stored(_("The file has a header and nothing below it."))
FILE_GONE = stored(_("The uploaded file is not in the object storage any more: upload it again."))
LOOKS_LIKE = stored(_("This looks like %(kind)s, not like a list. Save it as CSV or as plain text."))
ZERO_BYTE = stored(_("Line %(line)s has a zero byte in it: this is not a text file."))
LONG_LINE = stored(_("Line %(line)s is longer than %(most)s bytes."))
OPEN_QUOTE = stored(_("Line %(line)s: a quote opens here and does not close."))
MANY_COLUMNS = stored(_("Line %(line)s has %(columns)s columns; a list may have at most %(most)s."))
MANY_BYTES = stored(
    _("Line %(line)s has more than %(most)s bytes beside its number: leave out the columns that no text needs.")
)
NO_COLUMN = stored(_("There is no column “%(column)s” in the file. Its first line has: %(listed)s."))
NO_COLUMN_AT = stored(_("There is no column %(column)s in the file. Its first line has %(count)s: %(listed)s."))

NO_VALID_NUMBER = stored(_("There is no valid number in this file: %(rows)s rows, all invalid. %(first)s"))
FIRST_INVALID = stored(_("Line %(line)s, “%(value)s”: %(why)s"))
NOBODY_LEFT = stored(
    _(
        "No number is left of this file: %(rows)s rows, %(invalid)s invalid, %(repeated)s repeated and "
        "%(suppressed)s suppressed."
    )
)
GIVEN_UP = stored(_("It could not be prepared after %(attempts)s attempts: the last one ended with %(trouble)s."))
KILLED = stored(
    _(
        "It could not be prepared after %(attempts)s attempts: the last one ended without a word, as when its process "
        "is killed."
    )
)

UPLOAD_ENDED = stored(_("The upload was ended before the whole file was here."))
UPLOAD_STOPPED = stored(_("The upload stopped at %(place)s, and nobody went on for %(hours)s hours."))
UPLOAD_LOST = stored(_("What had arrived is not in the object storage any more."))
NO_FILE = stored(_("No file came within %(hours)s hours."))
LIST_CHANGED = stored(_("The manifest of this list has changed since the list was prepared."))
CHUNK_CHANGED = stored(_("Chunk %(number)s of this list has changed since the list was prepared."))

# What LOOKS_LIKE names.
ZIP = stored(_("a zip archive or an Excel workbook"))
OLD_EXCEL = stored(_("an old Excel workbook"))
GZIP = stored(_("a gzip archive"))
SEVEN_ZIP = stored(_("a 7-Zip archive"))
RAR = stored(_("a RAR archive"))
BZIP2 = stored(_("a bzip2 archive"))
XZ = stored(_("an xz archive"))
ZSTD = stored(_("a zstd archive"))
PNG = stored(_("a PNG picture"))
JPEG = stored(_("a JPEG picture"))
GIF = stored(_("a GIF picture"))
PDF = stored(_("a PDF document"))
PROGRAM = stored(_("a program"))
WINDOWS_PROGRAM = stored(_("a program for Windows"))
RTF = stored(_("a document of a word processor"))
DATABASE = stored(_("a database"))
PARQUET = stored(_("a Parquet file"))
WEB_PAGE = stored(_("a web page"))
XML = stored(_("an XML document"))
SVG = stored(_("an SVG picture"))
