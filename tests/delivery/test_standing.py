"""Rates are kept together, or in shares, by all processes of the fleet: never by some so and by some so."""

import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery import standing as standings
from delivery.links.agreement import Agreement
from delivery.models import Stance
from delivery.standing import Mode, Says, Standing

FLEET = 3


class Fleet:
    """Its rows, and who reaches Redis."""

    def __init__(self, size=FLEET):
        self.rows = {}
        self.reaches = dict.fromkeys(range(size), True)
        self.members = [Standing() for _ in range(size)]
        for member in self.members:
            member.join()

    def agree(self, number, *, between=()):
        """`between` are those who agree while this one has said how it stands and not looked yet."""

        def tell(says):
            self.rows[number] = says
            for other in between:
                if other != number:
                    self.agree(other)
            return [said for name, said in self.rows.items() if name != number]

        self.members[number].agree(tell, is_back=lambda: self.reaches[number], leave=lambda: None)
        self.check()

    def lose(self, number):
        self.reaches[number] = False
        self.members[number].lose()
        self.check()

    def settle(self):
        for _ in range(4):
            for number in range(len(self.members)):
                self.agree(number)
        return [member.mode() for member in self.members]

    def check(self):
        assert not {Mode.TOGETHER, Mode.SHARE} <= {member.mode() for member in self.members}


@pytest.fixture(autouse=True, scope="module")
def at_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standings, "ALONE", 0.0)
        yield


MEMBER = st.integers(0, FLEET - 1)
STEP = st.one_of(
    st.tuples(st.just("lose"), MEMBER),
    st.tuples(st.just("reach"), MEMBER),
    st.tuples(st.just("agree"), MEMBER, st.lists(MEMBER, max_size=2)),
)


@given(steps=st.lists(STEP, max_size=60))
def test_whatever_happens_in_whatever_order_nobody_has_a_share_while_somebody_is_together(steps):
    fleet = Fleet()
    for what, number, *more in steps:
        if what == "lose":
            fleet.lose(number)
        elif what == "reach":
            fleet.reaches[number] = True
        else:
            fleet.agree(number, between=more[0])
    lost = not all(fleet.reaches.values())
    assert fleet.settle() == [Mode.SHARE if lost else Mode.TOGETHER] * FLEET


def test_one_that_loses_redis_has_the_others_take_shares_and_all_are_together_again_when_it_is_back():
    fleet = Fleet()
    assert fleet.settle() == [Mode.TOGETHER] * FLEET
    fleet.lose(1)
    assert fleet.members[1].mode() is Mode.WAIT
    assert fleet.settle() == [Mode.SHARE] * FLEET
    fleet.reaches[1] = True
    assert fleet.settle() == [Mode.TOGETHER] * FLEET


def test_an_agreement_that_is_not_renewed_does_not_hold(monkeypatch):
    fleet = Fleet(1)
    assert fleet.settle() == [Mode.TOGETHER]
    monkeypatch.setattr(standings, "time", SimpleNamespace(monotonic=lambda: 10.0**9))
    assert fleet.members[0].mode() is Mode.WAIT


def test_shares_are_of_as_many_as_there_are(settings):
    settings.DISPATCH_FLEET = 2
    fleet = Fleet(3)
    fleet.settle()
    assert [member.fleet() for member in fleet.members] == [3, 3, 3]


@pytest.mark.django_db
def test_a_process_says_how_it_stands_hears_those_who_were_heard_lately_and_takes_its_word_back():
    one, other = Agreement(), Agreement()
    assert one._tell(Says.LOST) == []
    assert other._tell(Says.TOGETHER) == [Says.LOST]
    one.end()
    assert other._tell(Says.TOGETHER) == []
    other.end()
    assert not Stance.objects.exists()


def test_a_redis_that_is_there_is_back_and_one_that_is_not_is_not(settings):
    here = Agreement()
    assert here._is_back()
    here.close()
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    away = Agreement()
    assert not away._is_back()
    away.close()


def test_without_others_a_process_goes_on_by_itself():
    alone = Standing()
    assert alone.mode() is Mode.TOGETHER
    alone._alone_until = time.monotonic() + 5
    assert alone.mode() is Mode.SHARE
