import pytest

from stack import demo
from stack.demo import Mix, Outcome

BALANCED = {
    "rows": 100,
    "invalid": 1,
    "duplicate": 2,
    "suppressed": 0,
    "accepted": 97,
    "delivered": 95,
    "failed": 2,
    "pending": 0,
    "no_receipt": 0,
    "expired": 0,
    "cancelled": 0,
    "uncertain": 0,
    "waiting": 0,
}


def test_the_list_is_mixed_as_promised():
    lines = b"".join(demo.numbers(25_000, Mix())).decode().splitlines()
    unusable = [line for line in lines if line.startswith("no number")]
    subscribers = [line.removeprefix("+31").removeprefix("0031").removeprefix("0") for line in lines]
    assert (len(lines), len(unusable), len(lines) - len(set(subscribers))) == (25_000, 250, 500)


def test_a_clean_list_has_neither():
    lines = b"".join(demo.numbers(1_000, Mix(invalid_every=0, duplicate_every=0))).splitlines()
    assert len({line[-9:] for line in lines}) == 1_000


def test_an_outcome_balances_when_both_lines_do_and_nothing_is_open():
    assert Outcome(campaign_id=1, totals=BALANCED).balanced


@pytest.mark.parametrize("term", BALANCED)
def test_one_too_many_anywhere_is_no_balance(term):
    assert not Outcome(campaign_id=1, totals=BALANCED | {term: BALANCED[term] + 1}).balanced


@pytest.mark.parametrize("term", demo.OPEN_TERMS)
def test_what_is_still_open_is_no_balance(term):
    totals = BALANCED | {term: 5, "delivered": BALANCED["delivered"] - 5}
    assert demo.equation_holds(totals)
    assert not Outcome(campaign_id=1, totals=totals).balanced


def test_the_equation_is_told_with_every_term():
    assert demo.equation(BALANCED).splitlines()[0] == (
        "100 rows = 1 invalid + 2 duplicate + 0 suppressed + 97 accepted"
    )
