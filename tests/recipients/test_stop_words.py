"""What counts as a stop word, and whose words they are."""

import pytest

from audit.models import Entry
from audit.refusal import Refused
from recipients import stop_words
from tests import factories
from tests.pages import signed_in, text_of

WORDS = stop_words.DEFAULTS


@pytest.mark.parametrize(
    "text",
    [
        *(
            "STOP",
            "stop",
            " Stop! ",
            "«Stop».",
            "STOP please",
            "stop,thanks",
            "ＳＴＯＰ",
            "s\u200btop",
            "STOP\n\nsent from",
        ),
        *("unsubscribe", "Quit", "стоп", "СТОП!!!", "Отписаться от рассылки", "отписка"),
        *("TO'XTAT", "to‘xtat", "toʻxtat", "toʼxtat", "To`xtat", "to´xtat", "toxtat", "TO＇XTAT"),
        *("тўхтат", "Ту\u0306хтат", "bekor", "Bekor qilish", "БЕКОР қилинг"),
    ],
)
def test_a_stop_word_alone_or_first_is_one_however_it_is_written(text):
    assert stop_words.matched(text, WORDS)


@pytest.mark.parametrize("text", ["", "!", "please stop", "stopper", "yes", "nonstop", "Ўтмоқда", "s t o p", "🛑"])
def test_anything_else_is_none(text):
    assert stop_words.matched(text, WORDS) == ""


def test_a_word_of_several_counts_as_the_whole_message_only():
    assert stop_words.matched("Leave me alone.", ["leave me alone"]) == "leave me alone"
    assert stop_words.matched("Leave the parcel", ["leave me alone"]) == ""


def test_a_workspace_has_the_default_words_until_it_keeps_its_own(workspace, admin):
    assert stop_words.of(workspace) == list(WORDS)
    kept = stop_words.save(workspace, [" Basta ", "BASTA!", "", "stop"], by=admin)
    assert stop_words.of(workspace) == kept == ["Basta", "stop"]
    assert stop_words.of(factories.workspace()) == list(WORDS)
    entry = Entry.objects.of(workspace).get(action="stopwords.changed")
    assert (entry.actor, entry.after) == (admin, {"words": ["Basta", "stop"]})


@pytest.mark.parametrize("words", [[], ["", "  "], ["!?"], ["x" * 41]])
def test_a_list_by_which_nobody_could_opt_out_is_refused(workspace, admin, words):
    with pytest.raises(Refused):
        stop_words.save(workspace, words, by=admin)
    assert stop_words.of(workspace) == list(WORDS)


def test_words_that_stay_as_they_are_leave_no_entry(workspace, admin):
    stop_words.save(workspace, list(WORDS), by=admin)
    assert not Entry.objects.of(workspace).filter(action="stopwords.changed").exists()


def test_an_admin_changes_them_over_the_api(as_admin, as_author, workspace):
    address = "/api/v1/suppressions/stop-words/"
    assert "STOP" in as_author.get(address).json()["words"]
    assert as_author.put(address, {"words": ["halt"]}).status_code == 403
    assert as_admin.put(address, {"words": ["halt"]}).json() == {"words": ["halt"]}
    assert as_admin.put(address, {"words": []}).status_code == 400
    assert as_admin.put(address, {"words": ["?"]}).status_code == 409
    assert stop_words.of(workspace) == ["halt"]


def test_an_admin_changes_them_on_the_page_and_others_see_them(workspace, admin, author):
    page = signed_in(admin)
    assert "UNSUBSCRIBE" in text_of(page.get("/lists/suppressed/"))
    page.post("/lists/suppressed/stop-words/", {"words": "halt\nbasta"})
    assert stop_words.of(workspace) == ["halt", "basta"]
    assert page.post("/lists/suppressed/stop-words/", {"words": "!"}).status_code == 400
    others = signed_in(author)
    assert "halt, basta" in text_of(others.get("/lists/suppressed/"))
    assert others.post("/lists/suppressed/stop-words/", {"words": "x"}).status_code == 403
