from hypothesis import given
from hypothesis import strategies as st

from campaigns import gsm
from campaigns.lookalikes import EQUIVALENTS, EVERY, foreign_in, replaced, wanted


def test_every_equivalent_is_in_the_alphabet_and_what_it_replaces_is_not():
    for character, instead in EQUIVALENTS.items():
        assert character not in gsm.SEPTETS and set(instead) <= gsm.SEPTETS.keys()


@given(st.text(alphabet=st.sampled_from([*EQUIVALENTS, "a", "ж", "{", "}", "|"]), max_size=60))
def test_replacing_all_leaves_only_what_nothing_stands_for(text):
    left = replaced(text, wanted(text, EVERY))
    assert replaced(left, wanted(left, EVERY)) == left
    if "{" not in text and "}" not in text:
        assert all(one.instead is None for one in foreign_in(left))


def test_names_of_columns_stay_as_the_list_calls_them():
    assert replaced("‘{d’or|l’ami}’", ["’", "‘"]) == "'{d’or|l'ami}'"


def test_one_character_is_replaced_and_the_others_stay():
    assert replaced("a–b—c", wanted("a–b—c", "U+2013")) == "a-b—c"
