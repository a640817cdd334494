"""What a worker stored in English is said again in the language of whoever reads it."""

import pytest
from django.utils.translation import override

from audit.wording import stored, worded

KNOWN = stored("Line %(line)s is odd: %(why)s")
WITHIN = stored("It is too long.")


@pytest.fixture
def translated(monkeypatch):
    said = {KNOWN: "Строка %(line)s странная: %(why)s", WITHIN: "Слишком длинно."}
    monkeypatch.setattr("audit.wording.gettext", lambda text: said.get(text, text))


def test_a_stored_sentence_is_said_again_with_its_values_and_the_sentence_within_it(translated):
    assert worded(KNOWN % {"line": "7", "why": WITHIN}) == "Строка 7 странная: Слишком длинно."


def test_what_somebody_typed_stays_as_it_is(translated):
    assert worded("Wrong prices\nin it") == "Wrong prices\nin it"
    assert worded("") == ""


def test_a_worker_says_it_in_english_and_a_value_may_have_a_percent_sign():
    with override("ru"):
        assert worded(stored("%(a)s of 100 %% in %(b)s") % {"a": "5 %", "b": "x"}) == "5 % of 100 % in x"
