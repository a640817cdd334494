"""Names that people and their programs give to lists and files: without what misleads whoever reads them."""

import unicodedata

JOINERS = "\u200c\u200d"  # Persian words and emoji families need them
LONGEST_FILENAME = 255
LONGEST_ENDING = 10
# Control characters, lone surrogates, line and paragraph ends; and the invisible ones, which turn and hide text.
MISLEADING = {"Cc", "Cs", "Zl", "Zp", "Cf"}


def clean(name: str) -> str:
    """One line, as it is read: no control, bidi or invisible characters, no space around it."""
    spaced = "".join(" " if character in "\t\n\r\v\f\u2028\u2029" else character for character in name)
    kept = (c for c in spaced if c in JOINERS or unicodedata.category(c) not in MISLEADING)
    return " ".join("".join(kept).split())


def clean_filename(filename: str) -> str:
    """The last step of the path that a browser or a program may send, clean, at most 255 characters with its ending."""
    name = clean(filename).replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    if name.strip(".") == "":
        return ""
    stem, dot, ending = name.rpartition(".")
    if len(name) <= LONGEST_FILENAME:
        return name
    if not stem or len(ending) > LONGEST_ENDING:
        return name[:LONGEST_FILENAME]
    return stem[: LONGEST_FILENAME - len(ending) - 1] + dot + ending


def ending_of(filename: str) -> str:
    """In small letters, with its dot; empty when there is none."""
    stem, dot, ending = filename.rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""
