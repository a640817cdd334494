import phonenumbers
from phonenumbers import geocoder

from recipients.breakdown import charts_of
from recipients.countries import name_of
from recipients.models import RecipientList


def charts(**breakdown):
    return charts_of(RecipientList(breakdown=breakdown))


def test_the_bars_are_ranked_and_measured_against_the_longest():
    (chart,) = charts(countries=[["BE", 250], ["NL", 750]])
    assert chart.title == "By country"
    assert [(bar.label, bar.count, bar.length, bar.share) for bar in chart.bars] == [
        ("Netherlands", 750, 100, "75.0 %"),
        ("Belgium", 250, 33, "25.0 %"),
    ]


def test_what_is_rare_is_seen_and_not_rounded_to_nothing():
    (chart,) = charts(prefixes=[["+316", 100_000], ["+324", 1]])
    assert (chart.bars[1].label, chart.bars[1].length, chart.bars[1].share) == ("+324", 1, "< 0.1 %")


def test_beyond_ten_bars_the_rest_is_one():
    (chart,) = charts(prefixes=[[f"+{number}", 1] for number in range(31, 47)])
    assert len(chart.bars) == 11
    assert (chart.bars[-1].label, chart.bars[-1].count) == ("All others", 6)


def test_a_list_of_which_nothing_is_known_has_no_chart():
    assert charts() == [] and charts(countries=[], prefixes=[]) == []


def test_every_country_has_the_name_that_phonenumbers_gives_it():
    named = {code: geocoder._region_display_name(code, "en") for code in phonenumbers.SUPPORTED_REGIONS}
    assert {code: name_of(code) for code in named} == {
        code: name or {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}[code]
        for code, name in named.items()
    }
    assert name_of("001") == "International networks" and name_of("ZZ") == "ZZ"
