"""What a moderator is told of a text: terms that hide, links that lie, words that changed."""

from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.hours import Hours
from moderation import curve, differences, links, terms
from moderation.links import Doubt


@pytest.mark.parametrize(
    "text",
    [
        "Casino tonight",
        "c a s i n o",
        "c.a-s_i*n o!",
        "саsіno",
        "CАSINО",
        "ca\u200bsino",
        "c4s1n0",
        "Ｃａｓｉｎｏ",
        "cásino",
    ],
)
def test_a_term_is_found_in_any_disguise(text):
    (found,) = terms.find(f"Come: {text}", ["casino"])
    assert found.begin == 6


@pytest.mark.parametrize(("text", "term"), [("Essex", "sex"), ("casinos", "casino"), ("occasion", "casino"), ("", "a")])
def test_a_word_that_only_contains_it_is_none(text, term):
    assert terms.find(text, [term]) == []


def test_a_star_stands_for_whatever_goes_on_there():
    assert terms.find("casinos", ["casino*"]) and terms.find("megacasino", ["*casino"])
    assert terms.find("кредита", ["кредит*"]) and not terms.find("кредита", ["кредит"])


def test_a_term_of_several_words_is_found_over_any_gap():
    (found,) = terms.find("Get  FREE---money now", ["free money"])
    assert (found.begin, found.end) == (5, 17)


@pytest.mark.parametrize("term", ["", "*", " … "])
def test_what_has_no_letter_is_no_term(term):
    assert not terms.is_findable(term) and terms.find("anything", [term]) == []


@pytest.mark.parametrize(
    ("text", "domain", "doubts"),
    [
        ("See https://acme.uz/sale.", "acme.uz", ()),
        ("See acme.uz/sale?x=1, now", "acme.uz", ()),
        ("See www.acme.com", "www.acme.com", ()),
        ("https://bank.example@evil.ru/x", "evil.ru", (Doubt.USER,)),
        ("bit.ly/abc", "bit.ly", (Doubt.SHORTENER,)),
        ("http://10.0.0.1/x", "10.0.0.1", (Doubt.ADDRESS,)),
        ("https://xn--80ak6aa92e.com/", "аррӏе.com", (Doubt.DECODED, Doubt.LOOKS_LIKE)),
        ("https://pаypal.com", "pаypal.com", (Doubt.MIXED, Doubt.LOOKS_LIKE)),
        ("https://магазин.рф/", "магазин.рф", ()),
        ("https://{shop}.example/", "{shop}.example", (Doubt.VARIES,)),
    ],
)
def test_a_link_is_shown_with_the_domain_that_it_leads_to(text, domain, doubts):
    (link,) = links.find(text)
    assert (link.domain, link.doubts) == (domain, doubts)


def test_a_look_alike_says_what_it_passes_for():
    found = links.find("https://pаypal.com https://xn--80ak6aa92e.com")
    assert [link.like for link in found] == ["paypal.com", "apple.com"]


@pytest.mark.parametrize("text", ["Only today.Only here", "5.99 EUR", "Call 90.00.00", "a.b", "mail us: me@acme.uz"])
def test_what_no_phone_makes_a_link_of_is_none(text):
    assert links.find(text) == []


def test_a_placeholder_of_the_path_belongs_to_the_link():
    (link,) = links.find("Go to acme.uz/{code}, now")
    assert (link.written, link.domain) == ("acme.uz/{code}", "acme.uz")


def test_a_difference_is_of_words_and_gives_both_texts_back():
    before, after = "Half price until Sunday.", "Full price until next Sunday."
    pieces = differences.between(before, after).pieces
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after
    assert ("removed", "Half") in [(piece.kind, piece.text) for piece in pieces]
    assert differences.between(after, after).is_none


BEGIN = datetime(2030, 1, 1, 18, tzinfo=UTC)


def test_a_curve_is_level_over_the_closed_hours():
    drawn = curve.spread(BEGIN, BEGIN + timedelta(hours=16), Hours(time(8), time(20), UTC))
    assert drawn is not None
    assert len(drawn.closed) == 1 and drawn.closed[0].width == pytest.approx(12 / 16 * curve.WIDTH)
    assert drawn.line.startswith("0.0,120.0") and drawn.line.endswith("600.0,0.0")


def test_a_rate_says_when_it_is_done_over_open_time_only():
    drawn = curve.at_rate(BEGIN, 3 * 3600 * 10, 10, Hours(time(8), time(20), UTC))
    assert drawn is not None and drawn.ends_at == datetime(2030, 1, 2, 9, tzinfo=UTC)
    assert curve.at_rate(BEGIN, 100, 0, Hours(None, None, UTC)) is None
