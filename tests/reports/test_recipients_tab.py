"""Recipients with rows and recipients without are one list, in list order."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from delivery.counters import totals
from delivery.statuses import Term
from recipients.chunks import ChunkDamaged
from reports.recipients_tab import page, phone
from tests import evidence, factories

pytestmark = pytest.mark.django_db

OUTCOMES = {
    Term.DELIVERED: evidence.DELIVERED,
    Term.FAILED: evidence.REFUSED,
    Term.PENDING: evidence.PENDING,
    Term.NO_RECEIPT: evidence.UNRECEIPTED,
    Term.EXPIRED: evidence.TOO_LATE,
    Term.CANCELLED: evidence.CALLED_OFF,
    Term.UNCERTAIN: evidence.UNANSWERED,
    Term.WAITING: evidence.TO_RETRY,
    Term.SUPPRESSED: evidence.OPTED_OUT,
}


def number(recipient):
    return f"+{factories.FIRST_NUMBER + recipient}"


def walk(campaign, size=4, **query):
    """Every row of every page, in the order in which they come."""
    rows, cursor = [], 0
    while cursor is not None:
        found = page(campaign, cursor=cursor, size=size, **query)
        assert len(found.rows) <= size
        rows += found.rows
        cursor = found.next_cursor
    return rows


@pytest.fixture
def mixed(workspace):
    """Three chunks of ten: one handed over with every outcome, one in part, one not at all."""
    listed = factories.ready_list(workspace, 30, chunk_size=10)
    campaign = factories.sending(workspace, list=listed)
    outcomes = list(OUTCOMES.values())
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient % 9], handed_over=[10, 4, 0])
    return campaign


def test_paging_through_shows_each_recipient_exactly_once_in_list_order(mixed):
    rows = walk(mixed)
    assert [row.number for row in rows] == list(range(30))
    assert [row.to for row in rows] == [number(recipient) for recipient in range(30)]


def test_a_recipient_shows_the_term_of_its_message_or_waits(mixed):
    terms = [*OUTCOMES]
    assert [row.term for row in walk(mixed)] == [
        terms[recipient % 9] if recipient < 14 else Term.WAITING for recipient in range(30)
    ]


@pytest.mark.parametrize(("end", "rest"), [(factories.called_off, Term.CANCELLED), (factories.expired, Term.EXPIRED)])
def test_what_is_on_its_way_when_a_campaign_ends_waits_for_its_result(workspace, end, rest):
    campaign = end(workspace, list=factories.ready_list(workspace, 30, chunk_size=10))
    evidence.dispatched(campaign, handed_over=[10, 4, 0])
    evidence.intended(campaign, 1, 3)
    terms = [Term.DELIVERED] * 14 + [Term.WAITING] * 3 + [rest] * 13
    assert [row.term for row in walk(campaign)] == terms
    for term in Term:
        assert len(walk(campaign, size=3, status=term)) == terms.count(term) == getattr(totals(campaign), term)


@pytest.mark.parametrize("term", Term)
def test_a_filter_shows_all_of_its_term_and_nothing_else(mixed, term):
    assert walk(mixed, size=3, status=term) == [row for row in walk(mixed) if row.term == term]


def test_a_page_that_ends_with_the_list_has_no_next(mixed):
    assert page(mixed, size=30).next_cursor is None
    assert page(mixed, size=29).next_cursor == 29
    assert page(mixed, cursor=30).rows == []


@pytest.mark.parametrize(
    ("made", "term"),
    [(factories.expired, Term.EXPIRED), (factories.failed, Term.CANCELLED), (factories.paused, Term.WAITING)],
)
def test_who_was_not_sent_to_counts_by_where_the_campaign_ended(workspace, made, term):
    campaign = made(workspace, list=factories.ready_list(workspace, 6, chunk_size=3))
    evidence.dispatched(campaign, handed_over=[3, 1])
    assert [row.term for row in walk(campaign)] == [Term.DELIVERED] * 4 + [term] * 2
    assert [row.number for row in walk(campaign, status=term)] == [4, 5]


@pytest.mark.parametrize("made", [factories.draft, factories.in_review, factories.approved, factories.missed])
def test_before_the_start_everybody_waits(workspace, made):
    campaign = made(workspace, list=factories.ready_list(workspace, 5, chunk_size=2))
    assert [row.term for row in walk(campaign)] == [Term.WAITING] * 5
    assert walk(campaign, status=Term.WAITING) == walk(campaign)
    assert walk(campaign, status=Term.DELIVERED) == []


def test_a_campaign_without_a_list_has_no_recipients(workspace):
    campaign = factories.draft(workspace)
    campaign.list = None
    assert page(campaign).rows == []


@pytest.mark.parametrize("recipient", [0, 9, 10, 13, 14, 29])
def test_a_number_is_found_wherever_it_lives(mixed, recipient):
    rows = page(mixed, to=factories.FIRST_NUMBER + recipient).rows
    assert rows == [walk(mixed)[recipient]]


def test_a_number_that_is_not_in_the_list_is_not_found(mixed):
    assert page(mixed, to=factories.FIRST_NUMBER + 30).rows == []


def test_a_number_is_not_found_under_another_status(mixed):
    assert page(mixed, to=factories.FIRST_NUMBER, status=Term.DELIVERED).rows != []
    assert page(mixed, to=factories.FIRST_NUMBER, status=Term.FAILED).rows == []


@pytest.mark.parametrize("text", ["31600000001", "+31600000001", "+31 6 0000 0001", " +31 (6) 0000-0001 "])
def test_a_number_may_be_written_as_people_write_it(text):
    assert phone(text) == 31600000001


@pytest.mark.parametrize("text", ["+", "12", "06-abc", "+31 6 0000 0001 0000 0000", "٣١٦٠٠٠٠٠٠٠١", "++31600000001"])
def test_what_is_no_number_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="is not a full number: write it with its country code"):
        phone(text)


def test_a_refusal_by_the_carrier_is_explained(workspace):
    campaign = factories.done(workspace)
    evidence.dispatched(campaign, evidence.REFUSED)
    error = page(campaign).rows[0].error
    assert (error.code, error.name) == ("0x0000000B", "ESME_RINVDSTADR")
    assert "number" in error.text


def test_a_receipt_that_failed_is_explained(workspace):
    campaign = factories.done(workspace)
    evidence.dispatched(campaign, evidence.UNDELIVERABLE)
    error = page(campaign).rows[0].error
    assert (error.code, error.name, error.text) == ("034", "UNDELIV", "The carrier could not deliver it.")


def test_waiting_recipients_show_the_parts_of_the_text(workspace):
    campaign = factories.approved(workspace, text="a" * 161)
    assert {row.parts for row in page(campaign).rows} == {2}


def test_a_changed_chunk_is_never_shown(workspace):
    campaign = factories.approved(workspace)
    key = f"lists/{campaign.list_id}/1/00000"
    default_storage.delete(key)
    default_storage.save(key, ContentFile(b"\x01" * 24))
    with pytest.raises(ChunkDamaged):
        page(campaign)


def test_a_page_costs_the_same_few_queries_wherever_it_is(mixed, django_assert_max_num_queries):
    for cursor in (0, 12, 25):
        with django_assert_max_num_queries(3):  # the third asks whether somebody was erased
            page(mixed, cursor=cursor, size=5)
        with django_assert_max_num_queries(8):
            page(mixed, cursor=cursor, size=5, status=Term.WAITING)
