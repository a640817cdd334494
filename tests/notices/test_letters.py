"""Who is told of what, by email."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from django.utils.translation import trans_real

from accounts.models import User
from accounts.roles import Role
from campaigns import transitions
from campaigns.statuses import Mode
from config import catalogues
from delivery import transitions as delivery_transitions
from moderation import decisions
from notices import reading, telling
from notices.models import Notice
from notices.querysets import AGAIN, ATTEMPTS
from senders import transitions as sender_transitions
from tests import factories


@pytest.fixture
def told():
    """Look, and let every notice that is rung for leave; the letters that left since the last time, by reader."""

    def now_told(now=None):
        now = now or timezone.now()
        del mail.outbox[:]
        reading.look(now=now)
        for notice in Notice.objects.filter(sent_at=None).order_by("pk"):
            telling.tell(notice.pk, now=now)
        return {letter.to[0]: letter for letter in mail.outbox}

    return now_told


@pytest.fixture
def sender(workspace, moderator, admin, told):
    """Approved, of which everybody has been told."""
    made = factories.sender(workspace)
    told()
    return made


@pytest.fixture
def waiting(workspace, author, sender, told):
    campaign = factories.in_review(workspace, by=author, sender=sender, name="Spring sale")
    told()
    return campaign


@pytest.fixture
def russian(settings, tmp_path):
    """A catalogue of its own, in which one subject is translated."""
    settings.LOCALE_PATHS = [tmp_path]
    catalogues.save("ru", catalogues.merged("ru"))
    catalogues.fill("ru", {"“%(name)s” is approved": "«%(name)s» одобрена"})
    trans_real._translations = {}
    yield
    trans_real._translations = {}


def test_moderators_are_told_what_waits_and_nobody_else(workspace, author, moderator, sender, told):
    flagged = factories.member(workspace, Role.AUTHOR, is_moderator=True)
    made = factories.in_review(workspace, by=author, sender=sender, name="Spring sale")
    letters = told()
    assert set(letters) == {moderator.email, flagged.email}
    letter = letters[moderator.email]
    assert letter.subject == "“Spring sale” waits for your decision"
    assert f"/admin/moderation/campaigninreview/{made.pk}/change/" in letter.body
    assert made.text not in letter.body


def test_admins_are_asked_where_there_is_no_moderator(db, told):
    workspace = factories.workspace()
    admin = factories.member(workspace, Role.ADMIN)
    sender = sender_transitions.create(workspace, name="Shop", by=factories.member(workspace, Role.ADMIN))
    sender_transitions.submit_revision(sender.pk, saddr="Shop", by=factories.member(workspace, Role.AUTHOR))
    assert admin.email in told()


def test_a_moderator_who_wrote_it_is_not_asked_where_four_eyes_must_see(workspace, moderator, sender, told):
    flagged = factories.member(workspace, Role.AUTHOR, is_moderator=True)
    factories.in_review(workspace, by=flagged, sender=sender)
    assert set(told()) == {moderator.email}


def test_what_was_taken_back_before_the_letter_needs_none(workspace, author, moderator, told):
    made = factories.in_review(workspace, by=author, sender=factories.sender(workspace))
    transitions.withdraw(made.pk, by=author)
    assert moderator.email not in told()


def test_the_author_is_told_the_reason(waiting, author, moderator, told):
    decisions.reject_campaign(waiting.pk, by=moderator, now=timezone.now(), reason="Name the shop.")
    letters = told()
    assert set(letters) == {author.email}
    assert letters[author.email].subject == "“Spring sale” is rejected"
    assert "Name the shop." in letters[author.email].body
    assert moderator.email in letters[author.email].body


def test_the_author_is_told_that_it_is_approved(waiting, author, moderator, told):
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    assert told()[author.email].subject == "“Spring sale” is approved"


def test_the_author_is_told_what_the_system_did(waiting, author, moderator, told):
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    told()
    delivery_transitions.fail(waiting.pk, reason="A chunk is damaged.", now=timezone.now())
    letters = told()
    assert letters[author.email].subject == "“Spring sale” was stopped"
    assert "A chunk is damaged." in letters[author.email].body


def test_the_author_is_told_that_the_time_was_missed(workspace, author, moderator, told):
    now = timezone.now()
    sender = factories.sender(workspace)
    made = factories.in_review(
        workspace, by=author, sender=sender, mode=Mode.SCHEDULED, send_at=now + timedelta(minutes=5), name="Late"
    )
    decisions.approve_campaign(made.pk, by=moderator, now=now + timedelta(minutes=10))
    assert [letter.subject for letter in _letters_to(author, told)] == ["“Late” is approved", "“Late” missed its time"]


def _letters_to(user, told):
    told()
    return [letter for letter in mail.outbox if letter.to == [user.email]]


@pytest.mark.parametrize(("by_hand", "expected"), [(True, []), (False, ["“Spring sale” is paused"])])
def test_a_pause_by_the_system_is_told_and_one_by_a_person_is_seen(workspace, author, told, by_hand, expected):
    made = factories.sending(workspace, by=author, name="Spring sale")
    told()
    transitions.pause(made.pk, by=factories.member(workspace) if by_hand else None, reason="Too many refusals.")
    assert [letter.subject for letter in _letters_to(author, told)] == expected


def test_a_sender_is_submitted_and_decided(workspace, author, moderator, told):
    made = factories.sender(workspace, name="Shop", approved=False)
    revision = sender_transitions.submit_revision(made.pk, saddr="Shop", by=author)
    assert told()[moderator.email].subject == "The sender “Shop” waits for your decision"
    sender_transitions.reject_revision(revision.pk, by=moderator, now=timezone.now(), reason="Not yours.")
    letter = told()[author.email]
    assert letter.subject == "The sender “Shop” is rejected" and "Not yours." in letter.body


def test_each_reads_their_own_language(russian, waiting, author, moderator, told):
    User.objects.filter(pk=author.pk).update(language="ru")
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    assert told()[author.email].subject == "«Spring sale» одобрена"


def test_who_wants_no_emails_gets_none(waiting, author, moderator, told):
    User.objects.filter(pk=author.pk).update(wants_mail=False)
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    assert told() == {}


def test_who_left_the_workspace_is_told_nothing(waiting, author, moderator, told):
    author.memberships.all().delete()
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    assert told() == {}


# --- Once, and in spite of trouble ------------------------------------------------------------------------------------


def test_letters_are_rung_for_after_the_commit_by_an_id(waiting, moderator, rung, django_capture_on_commit_callbacks):
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        reading.look(now=timezone.now())
        assert rung == []
    assert rung == [("notices.tasks.tell", (Notice.objects.get(sent_at=None).pk,))]


def test_a_doubled_bell_and_a_second_look_send_one_letter(waiting, moderator, told):
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    assert len(told()) == 1
    telling.tell(Notice.objects.order_by("-pk").first().pk, now=timezone.now())
    assert len(mail.outbox) == 1
    assert told() == {}


def test_a_mail_server_that_is_away_is_tried_again_and_not_for_ever(waiting, author, moderator, told, settings):
    decisions.approve_campaign(waiting.pk, by=moderator, now=timezone.now())
    reading.look(now=timezone.now())
    notice, now = Notice.objects.get(sent_at=None), timezone.now()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        9,
    )
    for _ in range(ATTEMPTS - 1):
        with pytest.raises(OSError):
            telling.tell(notice.pk, now=now)
        telling.tell(notice.pk, now=now)  # too soon: not a try
        now += AGAIN + timedelta(seconds=1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert set(told(now)) == {author.email}


def test_what_happened_before_a_workspace_was_looked_at_is_not_told(workspace, author, moderator, told):
    factories.in_review(workspace, by=author, sender=factories.sender(workspace))
    assert told(timezone.now() + timedelta(hours=2)) == {}


def test_old_notices_are_forgotten(waiting):
    reading.forget(now=timezone.now() + timedelta(days=29))
    assert Notice.objects.exists()
    reading.forget(now=timezone.now() + timedelta(days=31))
    assert not Notice.objects.exists()


def test_a_look_without_news_costs_as_many_questions_for_many_workspaces(told, db, django_assert_num_queries):
    for _ in range(5):
        factories.workspace()
    told()
    with django_assert_num_queries(9):
        reading.look(now=timezone.now())
