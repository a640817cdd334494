from datetime import UTC, datetime, timedelta

import pytest

from recipients.pipeline import Progress
from recipients.progress import note_of, pace
from recipients.statuses import Stage
from tests import factories

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def note(size=1000, **given):
    blank = {"stage": Stage.READING, "bytes_read": 0, "rows": 0, "invalid": 0, "done": 0}
    return note_of(Progress(**{**blank, **given}), size=size)


@pytest.mark.parametrize(
    ("given", "stage", "rows_done", "percent"),
    [
        ({"bytes_read": 500, "rows": 40}, Stage.READING, 40, 30),
        ({"stage": Stage.SORTING, "bytes_read": 1000, "rows": 90, "invalid": 10, "done": 40}, Stage.SORTING, 40, 68),
        ({"stage": Stage.WRITING, "bytes_read": 1000, "rows": 90, "invalid": 10, "done": 40}, Stage.WRITING, 40, 88),
        ({"stage": Stage.WRITING, "bytes_read": 1000, "rows": 90, "invalid": 10, "done": 80}, Stage.WRITING, 80, 99),
    ],
)
def test_a_note_names_the_stage_its_rows_and_the_per_cent_of_the_whole(given, stage, rows_done, percent):
    noted = note(**given)
    assert (noted.stage, noted.rows_done, noted.percent) == (stage, rows_done, percent)


def test_an_empty_file_and_a_file_of_nonsense_divide_by_nothing():
    assert note(size=0).percent == 0
    assert note(stage=Stage.SORTING, bytes_read=1000, rows=5, invalid=5).percent == 60


def test_the_pace_is_of_the_stage_and_the_time_left_of_the_whole(workspace):
    listed = factories.preparing_list(workspace)
    listed.stage, listed.rows_done, listed.progress = Stage.WRITING, 3_000_000, 90
    listed.began_at, listed.stage_began_at = NOW - timedelta(seconds=18), NOW - timedelta(seconds=3)
    shown = pace(listed, now=NOW)
    assert (shown.title, shown.rate, shown.left) == ("Writing the recipients", 1_000_000, 2)


def test_before_a_worker_begins_nobody_can_say_how_long_it_takes(workspace):
    shown = pace(factories.preparing_list(workspace), now=NOW)
    assert (shown.title, shown.rate, shown.left) == ("Waiting for a worker", None, None)


def test_a_clock_that_went_backwards_says_nothing_instead_of_nonsense(workspace):
    listed = factories.preparing_list(workspace)
    listed.stage, listed.rows_done, listed.progress = Stage.READING, 10, 1
    listed.began_at = listed.stage_began_at = NOW + timedelta(seconds=1)
    shown = pace(listed, now=NOW)
    assert (shown.rate, shown.left) == (None, None)


def test_a_list_that_is_not_prepared_has_no_pace(workspace):
    assert pace(factories.ready_list(workspace), now=NOW) is None
