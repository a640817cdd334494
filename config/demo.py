"""The demo's workspace: four people with tokens, a key, an approved sender, a channel to the simulator.

Running it again changes nothing that is still there; passwords and tokens stay those that `known` remembers.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import keys
from accounts.models import ApiKey, Membership, User, Workspace
from accounts.roles import Role
from audit.ledger import record
from channels import accounts as channels
from channels.models import Channel
from senders import transitions as senders
from senders.models import Sender
from senders.statuses import SenderStatus

ROLES: dict[str, Role | None] = {
    "author": Role.AUTHOR,
    "moderator": Role.MODERATOR,
    "admin": Role.ADMIN,
    "superadmin": None,  # of the installation, a member of no workspace
}
KEY_NAME = "Demo"


@transaction.atomic
def seed(known: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """What `seed_demo --json` prints. `known` is what it printed before, or nothing: then all secrets are new."""
    workspace = _workspace()
    people = {name: _person(workspace, name, role) for name, role in ROLES.items()}
    return {
        "workspace": {"id": workspace.pk, "slug": workspace.slug},
        "users": {
            name: {
                "email": person.email,
                "password": _password(person, _earlier(known, "users", name, "password")),
                "token": _secret(workspace, person, person, _earlier(known, "users", name, "token"), now=now),
            }
            for name, person in people.items()
        },
        "api_key": _secret(workspace, None, people["admin"], _earlier(known, "api_key"), now=now),
        "sender": _shown(_sender(workspace, by=people["admin"], judge=people["moderator"], now=now)),
        "channel": _shown(_channel(by=people["superadmin"])),
    }


def _workspace() -> Workspace:
    workspace, is_new = Workspace.objects.get_or_create(
        slug="demo",
        defaults={"name": "Demo", "country": "NL", "time_zone": "Europe/Amsterdam", "tokens_may_decide": True},
    )
    if is_new:
        record("workspace.created", workspace, by=None, after={"slug": workspace.slug, "tokens_may_decide": True})
    return workspace


def _person(workspace: Workspace, name: str, role: Role | None) -> User:
    person, is_new = User.objects.get_or_create(
        email=f"{name}@demo.example",
        defaults={
            "name": f"Demo {name}",
            "is_staff": name != "author",
            "is_superuser": role is None,
            "password": "!",  # nobody logs in with it
        },
    )
    if is_new:
        record("user.created", person, by=None, after={"email": person.email})
    if role and not Membership.objects.of(workspace).filter(user=person).exists():
        membership = Membership.objects.create(workspace=workspace, user=person, role=role)
        record("membership.created", membership, by=None, after={"user": person.pk, "role": str(role)})
    return person


def _password(person: User, known: str) -> str:
    if known and person.check_password(known):
        return known
    password = secrets.token_urlsafe(12)
    person.set_password(password)
    person.save(update_fields=["password"])
    record("user.password_set", person, by=None)
    return password


def _secret(workspace: Workspace, owner: User | None, by: User, known: str, *, now: datetime) -> str:
    """The person's token, or with no owner the workspace's key; a new one takes the place of those before it."""
    if known and keys.find(known, now=now):
        return known
    for old in ApiKey.objects.of(workspace).usable(now).filter(user=owner, name=KEY_NAME):
        keys.revoke(old.pk, by=by, now=now)
    return keys.create(workspace, name=KEY_NAME, by=by, user=owner, now=now)[1]


def _sender(workspace: Workspace, *, by: User, judge: User, now: datetime) -> Sender:
    sender = Sender.objects.of(workspace).exclude(status=SenderStatus.ARCHIVED).filter(name="Demo Shop").first()
    sender = sender or senders.create(workspace, name="Demo Shop", by=by)
    if sender.current is None:
        pending = sender.revisions.pending().first()
        pending = pending or senders.submit_revision(sender.pk, saddr="DemoShop", by=by, reason="The shop of the demo.")
        senders.approve_revision(pending.pk, by=judge, now=now)
    return sender


def _channel(*, by: User) -> Channel:
    """To the simulator, wherever it listens this time. Another default channel stays the default."""
    found = Channel.objects.active().filter(name="demo", host="127.0.0.1", port=settings.SMSC_PORT).first()
    return found or channels.save(
        "demo",
        by=by,
        password="demo",
        host="127.0.0.1",
        port=settings.SMSC_PORT,
        system_id="demo",
        window=100,
        binds=2,
        is_default=not Channel.objects.filter(is_default=True).exclude(name="demo").exists(),
        is_active=True,
    )


def _shown(row: Sender | Channel) -> dict[str, Any]:
    return {"id": row.pk, "name": row.name}


def _earlier(known: Mapping[str, Any], *path: str) -> str:
    """The text at this path of what was printed before; empty when there is none."""
    value: Any = known
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
