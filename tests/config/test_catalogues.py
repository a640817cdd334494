"""What people read exists in every language that they may choose."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from django.conf import settings
from django.core.management import CommandError, call_command
from django.template.base import Lexer, TokenType

from config import catalogues

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]


def test_every_language_that_is_offered_has_its_plural_forms():
    assert set(LANGUAGES) == set(catalogues.PLURALS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_holds_the_texts_of_the_sources_and_no_others(language):
    said = {catalogues.key_of(message) for message in catalogues.gathered(language) if message.id}
    assert said == {catalogues.key_of(message) for message in catalogues.stored(language) if message.id}, (
        "run manage.py catalogues"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_a_translation(language):
    assert list(catalogues.missing(language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_a_guess(language):
    assert [message.id for message in catalogues.stored(language) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_has_the_placeholders_the_tags_and_the_forms_of_its_text(language):
    assert catalogues.wrong(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    assert catalogues.po_of(language).with_suffix(".mo").read_bytes() == catalogues.compiled(language), (
        "run manage.py catalogues"
    )


# --- Templates --------------------------------------------------------------------------------------------------------

NAMES = {"Message", "Center", "TON", "NPI", "CSV", "SMPP", "SHA", "UTC"}  # the same in every language
READ_ALOUD = {"alt", "aria-label", "placeholder", "title"}
TAG = "¤"  # stands where a template has a tag or a variable


class Bare(HTMLParser):
    """The words of a page that no translation can reach."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag, attrs):
        self._unread += tag in {"script", "style"}
        for name, value in attrs:
            if name in READ_ALOUD:
                self._note(value or "")

    def handle_endtag(self, tag):
        self._unread -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self._unread:
            self._note(data)

    def _note(self, text):
        if set(re.findall(r"[A-Za-z]{2,}", text)) - NAMES:
            self.found.append(" ".join(text.split()))


def without_tags(source):
    inside, shown = "", []
    for token in Lexer(source).tokenize():
        name = token.contents.split()[0] if token.token_type == TokenType.BLOCK and token.contents else ""
        if inside:
            inside = "" if name == f"end{inside}" else inside
        elif token.token_type == TokenType.TEXT:
            shown.append(token.contents)
        elif token.token_type != TokenType.COMMENT:
            is_classes = token.contents in {"block bodyclass", "block coltype"}
            inside = name if name in {"blocktranslate", "comment"} or is_classes else ""
            shown.append(TAG)
    return "".join(shown)


CLASSES = {"_colour.html"}  # a fragment of an attribute
PAGES = [path for path in Path(settings.TEMPLATES[0]["DIRS"][0]).rglob("*.html") if path.name not in CLASSES]


def test_every_word_of_a_page_can_be_translated():
    bare = {}
    for path in PAGES:
        parser = Bare()
        parser.feed(without_tags(path.read_text()))
        if parser.found:
            bare[str(path.relative_to(settings.ROOT))] = parser.found
    assert bare == {}, "\n".join(f"{name}: {found}" for name, found in sorted(bare.items()))


def test_a_bare_word_is_found():
    parser = Bare()
    parser.feed(without_tags('<p title="Why">Now {{ a }}</p>{% translate "No" %}<i>{% if a %}x{% endif %}</i>'))
    assert parser.found == ["Why", "Now ¤"]


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sources(settings, tmp_path):
    """A folder of templates and a place for catalogues of its own."""
    templates = tmp_path / "templates"
    templates.mkdir()
    settings.ROOT, settings.LOCALE_PATHS = tmp_path, [tmp_path / "locale"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [templates]}]
    (templates / "page.html").write_text(
        '{% load i18n %}\n  {% translate "Hello" %}\n{% translate "50 %" %}\n'
        "{% blocktranslate trimmed count n=n %}\n  One\n  row\n{% plural %}\n  {{ n }} rows\n{% endblocktranslate %}\n"
        '{% translate "May" context "month" %}\n{% blocktranslate with a=b %}<b>{{ a }}</b>{% endblocktranslate %}\n'
    )
    return tmp_path


def filled(sources, translations):
    file = sources / "given.json"
    file.write_text(json.dumps(translations))
    call_command("catalogues", fill=[file], missing=sources / "missing.json", verbosity=0)
    return json.loads((sources / "missing.json").read_text())


def test_texts_of_templates_are_found_with_plural_context_and_percent(sources):
    wanted = filled(sources, {})["ru"]
    assert wanted == {
        "50 %%": "",
        "<b>%(a)s</b>": "",
        "Hello": "",
        "One row": {"plural": "%(n)s rows", "forms": ["", "", ""]},
        "month\x04May": "",
    }


def test_translations_are_taken_and_compiled(sources):
    left = filled(sources, {"ru": {"Hello": "Привет", "One row": ["%(n)s строка", "%(n)s строки", "%(n)s строк"]}})
    assert set(left["ru"]) == {"50 %%", "<b>%(a)s</b>", "month\x04May"}
    with (sources / "locale" / "ru" / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalogue = read_mo(file)
    assert catalogue.get("Hello").string == "Привет"
    assert catalogue.get(("One row", "%(n)s rows")).string == ["%(n)s строка", "%(n)s строки", "%(n)s строк"]
    assert catalogue.num_plurals == 3


@pytest.mark.parametrize(
    ("key", "given", "reason"),
    [
        ("<b>%(a)s</b>", "<b>%(b)s</b>", "other placeholders"),
        ("<b>%(a)s</b>", "%(a)s", "other tags"),
        ("One row", ["%(n)s строка"], "1 forms"),
        ("One row", ["одна строка", "%(n)s строки", "%(n)s строк"], "other placeholders"),
        ("Goodbye", "Пока", "no source says it"),
    ],
)
def test_a_translation_that_would_break_a_page_is_not_taken(sources, key, given, reason):
    with pytest.raises(CommandError, match=reason):
        filled(sources, {"ru": {key: given}})
    assert not catalogues.stored("ru").get("<b>%(a)s</b>").string


def test_what_no_source_says_any_more_is_gone_and_the_rest_stays(sources):
    filled(sources, {"ru": {"Hello": "Привет", "50 %%": "50 %%"}})
    (sources / "templates" / "page.html").write_text('{% load i18n %}{% translate "Hello" %}')
    call_command("catalogues", verbosity=0)
    assert [(message.id, message.string) for message in catalogues.stored("ru") if message.id] == [("Hello", "Привет")]
