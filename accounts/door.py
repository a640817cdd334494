"""The one door for a password: every form and every program that has one asks `authenticate`, and that asks here."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import lock_outs, single_sign_on
from accounts.models import User
from audit import circumstances
from audit.ledger import record


class Password(ModelBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **other: Any
    ) -> User | None:
        """The person, or None; who they are not takes as long to say as that there is nobody. Raises Refused."""
        email = username if username is not None else other.get(User.USERNAME_FIELD)
        if email is None or password is None:
            return None
        address = circumstances.current().address
        lock_outs.begin(email, address, now=timezone.now())
        person = super().authenticate(request, username=email, password=password)
        if isinstance(person, User) and not single_sign_on.is_the_only_way(person):
            lock_outs.succeed(email, address)
            return person
        _note_failure(email, address)
        return None


@transaction.atomic
def _note_failure(email: str, address: str | None) -> None:
    """About the person, where there is one; else about attempts at nobody, of whom nothing is known."""
    attempts, is_shut = lock_outs.last_of(email, address)
    subject = User.objects.filter(email=email).first() or attempts
    # Nobody has done it yet, as far as is known; but from somewhere.
    record("user.locked_out" if is_shut else "user.sign_in_failed", subject, by=None, after={"address": address})
