"""Sessions as rows that know their person, device and times: what SESSION_ENGINE names, and how they are ended."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as PERSON
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import Session, User
from audit import circumstances
from audit.ledger import record

BEGAN, DEVICE = "began", "device"
MINUTE = timedelta(minutes=1)  # of this, when somebody was last here is known


class SessionStore(DatabaseSessions):
    """It ends after SESSION_IDLE without a page, and SESSION_LONGEST after signing in whatever happens."""

    seen_at: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        found = super()._get_session_from_db()  # type: ignore[misc]
        if not isinstance(found, Session):
            return None
        if found.began_at + settings.SESSION_LONGEST <= timezone.now():
            self._session_key = None
            return None
        self.seen_at = found.seen_at
        return found

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = timezone.now()
        data.setdefault(BEGAN, now.timestamp())
        row = super().create_model_instance(data)
        assert isinstance(row, Session)
        row.user_id = int(data[PERSON]) if PERSON in data else None
        row.began_at, row.seen_at = datetime.fromtimestamp(data[BEGAN], tz=now.tzinfo), now
        row.device, row.address = data.get(DEVICE, ""), circumstances.current().address
        return row

    def begin(self, *, device: str) -> None:
        """Its time runs from now: somebody has just signed in with it."""
        self[BEGAN], self[DEVICE] = timezone.now().timestamp(), device[:200]

    def note_visit(self) -> None:
        """Somebody is here. Once a minute is enough."""
        if self.seen_at is not None and self.seen_at + MINUTE <= timezone.now():
            self.modified = True


@transaction.atomic
def end(handle: str, *, by: User) -> bool:
    """One of their own, over with the next request that comes with it; False when they have none such."""
    for session in Session.objects.of_person(by).open(timezone.now()):
        if constant_time_compare(session.handle, handle):
            session.delete()
            record("user.session_ended", by, by=by, after={"device": session.device})
            return True
    return False


@transaction.atomic
def end_all(user: User, *, by: User | None) -> None:
    Session.objects.of_person(user).delete()
    record("user.signed_out_everywhere", user, by=by)


def forget(*, now: datetime) -> None:
    Session.objects.over(now).delete()
