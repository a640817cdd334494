"""The translations of what people read: gathered from sources and templates, kept in locale/, without GNU gettext.

Babel is needed by whoever changes a text, not by whoever runs the platform: the compiled catalogues are committed.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

# CLDR gives Russian 3 forms; Uzbek nouns stay as they are after a number, as Django has it.
PLURALS = {
    "ru": ("nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"),
    "uz": "nplurals=1; plural=0;",
}
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What Django says on our pages; what it leaves in English in a language is translated with our own.
DJANGO = Path(django.__file__).parent
DJANGO_PARTS = ("conf", "contrib/admin", "contrib/auth")
DJANGO_SAYS = re.compile(
    r"(?!.*password_reset)"
    r"(?:forms/|core/validators|utils/(?:dates|timesince|text)|contrib/auth/(?:forms|hashers|password_validation)|contrib/admin/)"
)
HOLES = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w+\}")  # of Python, and of static/uploads.js
TAGS = re.compile(r"</?\w+")
ONE_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # of no meaning: the same texts make the same bytes
CONTEXT_END = "\x04"  # as in compiled catalogues: between a context and the text


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What came of translations that were brought: how many were taken, and why the others were not."""

    taken: int
    refused: list[str]


def po_of(language: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def gathered(language: str) -> Catalog:
    """Every text of the sources, none translated."""
    catalog = _empty(language)
    for path in _sources():
        place = str(path.relative_to(settings.ROOT))
        for message, context in _texts(path):
            catalog.add(message, None, locations=[(place, 1)], flags=_flags(message), context=context)
    for left in _left_by_django(language):
        catalog.add(left.id, None, locations=[("django", 1)], flags=_flags(left.id), context=left.context)
    return catalog


def merged(language: str) -> Catalog:
    """Every text of the sources with the translation that it has; what no source says any more is gone."""
    fresh, kept = gathered(language), stored(language)
    for message in _of(fresh):
        known = kept.get(message.id, message.context)
        if known and not known.fuzzy and known.pluralizable == message.pluralizable:
            message.string = known.string
    return fresh


def stored(language: str) -> Catalog:
    path = po_of(language)
    return read_po(io.BytesIO(path.read_bytes()), locale=language) if path.exists() else _empty(language)


def save(language: str, catalog: Catalog) -> None:
    path = po_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_po(catalog))
    path.with_suffix(".mo").write_bytes(compiled(language))


def as_po(catalog: Catalog) -> bytes:
    written = io.BytesIO()
    write_po(written, catalog, width=0, sort_output=True, include_lineno=False)
    return written.getvalue()


def compiled(language: str) -> bytes:
    """The .mo of the stored .po: the same bytes on every machine."""
    catalog, written = _empty(language), io.BytesIO()
    for message in _of(stored(language)):
        if not message.fuzzy and is_translated(message):
            catalog.add(message.id, message.string, context=message.context)
    write_mo(written, catalog)
    return written.getvalue()


def is_translated(message: Message) -> bool:
    return all(_forms(message.string))


def missing(language: str) -> dict[str, Any]:
    """To be translated: the text and nothing, or, with a number in it, its plural and as many forms as are needed."""
    wanted: dict[str, Any] = {}
    for message in sorted(_of(merged(language))):
        if not is_translated(message):
            empty = {"plural": message.id[1], "forms": [""] * _form_count(language)} if message.pluralizable else ""
            wanted[key_of(message)] = empty
    return wanted


def fill(language: str, translations: Mapping[str, Any]) -> Filling:
    """Take translations by the key that `missing` gave: a text, a list of forms, or what `missing` gave filled in."""
    catalog = merged(language)
    known = {key_of(message): message for message in _of(catalog)}
    taken, refused = 0, []
    for key, given in translations.items():
        message = known.get(key)
        forms = _forms(given["forms"] if isinstance(given, Mapping) else given)
        if not any(forms):
            continue
        wrong = _wrong_with(message, forms, language) if message else "no source says it"
        if message is None or wrong:
            refused.append(f"{key!r}: {wrong}")
            continue
        message.string = tuple(forms) if message.pluralizable else forms[0]
        taken += 1
    save(language, catalog)
    return Filling(taken=taken, refused=refused)


def wrong(language: str) -> list[str]:
    """Translations that would break a page: other placeholders or tags than the text has, too few forms."""
    found = []
    for message in _of(stored(language)):
        forms = _forms(message.string)
        if any(forms) and (said := _wrong_with(message, forms, language)):
            found.append(f"{key_of(message)!r}: {said}")
    return found


def key_of(message: Message) -> str:
    text = message.id[0] if message.pluralizable else message.id
    return f"{message.context}{CONTEXT_END}{text}" if message.context else str(text)


def _wrong_with(message: Message, forms: list[str], language: str) -> str:
    if len(forms) != (_form_count(language) if message.pluralizable else 1):
        return f"{len(forms)} forms"
    if not all(forms):
        return "a form is empty"
    # A form stands for many numbers (21 takes the first one in Russian), so each must name the number.
    source = str(message.id[1] if message.pluralizable else message.id)
    for name, pattern in {"placeholders": HOLES, "tags": TAGS}.items():
        for form in forms:
            if sorted(pattern.findall(form)) != sorted(pattern.findall(source)):
                return f"other {name} in {form!r}"
    return ""


def _sources() -> Iterator[Path]:
    rooms = [Path(config.path) for config in apps.get_app_configs()]
    # These are no apps, and have sentences for people: they are marked there, and translated by whoever shows them.
    plain = [settings.ROOT / name for name in ("objects", "smpp")]
    for room in sorted([*(room for room in rooms if room.parent == settings.ROOT), *plain]):
        yield from (path for path in sorted(room.rglob("*.py")) if "migrations" not in path.parts)
    options: Any = settings.TEMPLATES[0]
    for folder in options["DIRS"]:
        yield from sorted(path for path in Path(folder).rglob("*") if path.suffix in {".html", ".txt"})


def _texts(path: Path) -> Iterator[tuple[Any, str | None]]:
    """Each text, or pair of singular and plural, with its context."""
    source = path.read_text()
    if path.suffix == ".py" and "gettext" not in source:
        return
    if path.suffix != ".py":
        # The lines of a template have no Python indentation.
        source = "\n".join(line.strip() for line in templatize(source, origin=str(path)).split("\n"))
    for _line, name, texts, _comments in extract_python(io.BytesIO(source.encode()), KEYWORDS, [], {}):
        given: list[Any] = list(texts) if isinstance(texts, tuple | list) else [texts]
        spec = KEYWORDS[str(name)] or (1,)
        context, wanted = None, []
        for place in spec:
            index = place[0] if isinstance(place, tuple) else place
            text = given[index - 1] if index <= len(given) else None
            if isinstance(place, tuple):
                context = text
            else:
                wanted.append(text)
        if all(wanted):
            yield (tuple(wanted) if len(wanted) > 1 else wanted[0]), context


@cache
def _left_by_django(language: str) -> list[Message]:
    left = []
    for part in DJANGO_PARTS:
        theirs = _django_catalogue(part, language)
        for message in _of(_django_catalogue(part, "en")):
            says = any(DJANGO_SAYS.match(place) for place, _ in message.locations)
            known = theirs.get(message.id, message.context)
            if says and not (known and not known.fuzzy and is_translated(known)):
                left.append(message)
    return left


def _django_catalogue(part: str, language: str) -> Catalog:
    return read_po(io.BytesIO((DJANGO / part / "locale" / language / "LC_MESSAGES" / "django.po").read_bytes()))


def _empty(language: str) -> Catalog:
    catalog = Catalog(
        locale=language,
        project="Message Center",
        version="1",
        creation_date=ONE_DAY,
        revision_date=ONE_DAY,
        charset="utf-8",
        fuzzy=False,
        header_comment="# Written by manage.py catalogues",
    )
    catalog.mime_headers = [
        ("Language", language),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Plural-Forms", PLURALS[language]),
    ]
    return catalog


def _of(catalog: Any) -> list[Message]:
    return [message for message in catalog if message.id]


def _flags(message: Any) -> set[str]:
    texts = message if isinstance(message, tuple) else (message,)
    return {"python-format"} if any(HOLES.search(text) for text in texts) else set()


def _forms(string: Any) -> list[str]:
    given = [string] if isinstance(string, str) or string is None else list(string)
    return [str(form or "") for form in given]


def _form_count(language: str) -> int:
    return int(PLURALS[language].partition("nplurals=")[2].partition(";")[0])
