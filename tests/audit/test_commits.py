"""What follows a commit may fail, and then the rest is done all the same."""

import pytest
from django.db import transaction

from audit.commits import afterwards


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_a_commit_is_logged_and_keeps_nothing_from_being_done(caplog):
    done = []
    with transaction.atomic():
        afterwards(int, "no number")
        afterwards(done.append, "the bell")
        assert done == []
    assert done == ["the bell"] and "no number" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_followed_by_nothing():
    done = []
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        afterwards(done.append, "the bell")
        raise ZeroDivisionError
    assert done == []
