"""What somebody says of themselves: one function per verb."""

from django.db import transaction

from accounts.models import Session, User
from audit.ledger import record


@transaction.atomic
def describe(user_id: int, *, name: str, wants_mail: bool, by: User) -> User:
    user = _lock(user_id)
    before = {"name": user.name, "wants_mail": user.wants_mail}
    after = {"name": name.strip(), "wants_mail": wants_mail}
    if before != after:
        user.name, user.wants_mail = name.strip(), wants_mail
        user.save(update_fields=["name", "wants_mail"])
        record("user.changed", user, by=by, before=before, after=after)
    return user


@transaction.atomic
def prefer(user_id: int, *, language: str, theme: str) -> User:
    """How they want their pages: nobody else's business, and no entry of the ledger."""
    user = _lock(user_id)
    user.language, user.theme = language or user.language, theme or user.theme
    user.save(update_fields=["language", "theme"])
    return user


@transaction.atomic
def change_password(user_id: int, *, password: str | None, by: User) -> User:
    """Every session that was signed in with the old one has ended. Without one nobody signs in by a password."""
    user = _lock(user_id)
    user.set_password(password)
    user.save(update_fields=["password"])
    Session.objects.of_person(user).delete()
    record("user.password_set", user, by=by, after={"has_password": password is not None})
    return user


def _lock(user_id: int) -> User:
    # NO KEY: what points at this person must not wait for us.
    return User.objects.select_for_update(no_key=True).get(pk=user_id)
