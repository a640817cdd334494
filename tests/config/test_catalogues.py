"""What people read exists in every language that they may choose."""

import json

import pytest
from babel.messages.mofile import read_mo
from django.conf import settings
from django.core.management import CommandError, call_command

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
