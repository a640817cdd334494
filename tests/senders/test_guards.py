"""The database refuses last: a revision is immutable, and decided once under four eyes, whatever the door."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.roles import Role
from senders.statuses import RevisionStatus
from tests import factories


@pytest.fixture
def pending(workspace):
    return factories.revision(factories.sender(workspace, approved=False), approved=False)


def update(revision, **values):
    """By SQL, past every verb."""
    columns = ", ".join(f"{name} = %s" for name in values)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE senders_revision SET {columns} WHERE id = %s", [*values.values(), revision.pk])


def decide(revision, by, to=RevisionStatus.APPROVED):
    update(revision, status=to, decided_by_id=by.pk, decided_at=timezone.now())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("saddr", "Other"),
        ("ton", 1),
        ("npi", 1),
        ("reason", "Another."),
        ("evidence", "evidence/other.pdf"),
        ("number", 7),
        ("submitted_at", "2020-01-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("decided", [False, True])
def test_the_content_of_a_revision_is_immutable(workspace, pending, name, value, decided):
    if decided:
        decide(pending, factories.somebody(workspace, Role.MODERATOR))
    with pytest.raises(IntegrityError, match="immutable"):
        update(pending, **{name: value})


def test_nobody_takes_over_the_authorship_of_a_revision(workspace, pending):
    with pytest.raises(IntegrityError, match="immutable"):
        update(pending, submitted_by_id=factories.somebody(workspace, Role.MODERATOR).pk)


@pytest.mark.parametrize("to", [RevisionStatus.APPROVED, RevisionStatus.REJECTED])
def test_a_revision_is_decided_once(workspace, pending, to):
    moderator, other = (factories.member(workspace, Role.MODERATOR) for _ in range(2))
    decide(pending, moderator, to)
    changed = {RevisionStatus.APPROVED: RevisionStatus.REJECTED, RevisionStatus.REJECTED: RevisionStatus.APPROVED}[to]
    for attempt in (
        {"status": changed},
        {"status": "pending"},
        {"decided_by_id": other.pk},
        {"decided_at": timezone.now()},
        {"decision_reason": "Another."},
    ):
        with pytest.raises(IntegrityError, match="decided once"):
            update(pending, **attempt)


def test_whoever_submitted_a_revision_does_not_decide_on_it(workspace, pending):
    with pytest.raises(IntegrityError, match="four eyes"):
        decide(pending, pending.submitted_by)
    workspace.four_eyes = False
    workspace.save()
    decide(pending, pending.submitted_by)


@pytest.mark.parametrize("who", ["an author", "a moderator elsewhere"])
def test_only_a_moderator_of_the_workspace_decides_on_a_revision(workspace, pending, who):
    place = workspace if who == "an author" else factories.workspace()
    role = Role.AUTHOR if who == "an author" else Role.MODERATOR
    with pytest.raises(IntegrityError, match="not a moderator"):
        decide(pending, factories.member(place, role))
    decide(pending, factories.member(workspace, Role.AUTHOR, is_moderator=True))


def test_a_super_admin_decides_on_a_revision(pending):
    decide(pending, factories.user(is_superuser=True))


def test_no_revision_is_born_with_a_decision(workspace, pending):
    decide(pending, factories.somebody(workspace, Role.MODERATOR))
    with pytest.raises(IntegrityError, match="without a decision"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO senders_revision (sender_id, number, status, saddr, ton, npi, reason, evidence,
               submitted_by_id, submitted_at, decided_by_id, decided_at, decision_reason)
               SELECT sender_id, 9, status, saddr, ton, npi, reason, evidence, submitted_by_id, submitted_at,
                      decided_by_id, decided_at, decision_reason FROM senders_revision WHERE id = %s""",
            [pending.pk],
        )
