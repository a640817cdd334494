"""Test phones: the register of the numbers to which a workspace may send texts that nobody has approved yet.

Only an admin of the workspace fills it, and a trigger holds that too (docs/adr/0052). The ledger has a number masked,
and its `fingerprint`.
"""

from collections.abc import Collection, Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused
from recipients import names, suppressions
from recipients.models import TrialPhone

MOST = 50  # phones of one workspace: of people, not of customers
LONGEST = 120


@transaction.atomic
def add(workspace: Workspace, number: str, *, whose: str, label: str = "", by: User) -> TrialPhone:
    _check_admin(workspace, by)
    phone = suppressions.number_of(number, workspace)
    whose, label = _checked(whose, phone), _checked(label, phone)
    if not whose:
        raise Refused(_("Say whose phone it is."), code="whose_missing")
    if suppressed_among(workspace, [phone]):
        raise Refused(_("This number is suppressed: its owner wants nothing."), code="suppressed")
    if TrialPhone.objects.of(workspace).count() >= MOST:
        raise Refused(_("A workspace has at most %(most)s test phones.") % {"most": MOST}, code="too_many")
    try:
        with transaction.atomic():
            row = TrialPhone.objects.create(workspace=workspace, phone=phone, whose=whose, label=label, added_by=by)
    except IntegrityError:
        raise Refused(_("This number is a test phone already."), code="already_there") from None
    record("trialphone.added", row, by=by, after={"hash": suppressions.fingerprint(phone), "whose": whose})
    return row


@transaction.atomic
def remove(trial_phone_id: int, *, by: User) -> None:
    """From now on no test goes there, those that are under way included."""
    row = TrialPhone.objects.select_for_update().filter(pk=trial_phone_id).select_related("workspace").first()
    if row is None:
        raise Refused(_("This number is no test phone any more."), code="not_there")
    _check_admin(row.workspace, by)
    before = {"hash": suppressions.fingerprint(row.phone), "whose": row.whose, "since": row.added_at}
    record("trialphone.removed", row, by=by, before=before)
    row.delete()


def numbers_of(workspace: Workspace, given: Iterable[str]) -> list[int]:
    """E.164 digits, each once, in their order. Raises Refused unless each is a test phone that may get messages."""
    phones = list(dict.fromkeys(suppressions.number_of(text, workspace) for text in given))
    known = set(TrialPhone.objects.of(workspace).filter(phone__in=phones).values_list("phone", flat=True))
    if unknown := [phone for phone in phones if phone not in known]:
        raise Refused(
            _("%(number)s is no test phone of this workspace: an admin adds it to them.")
            % {"number": f"+{unknown[0]}"},
            code="not_a_test_phone",
        )
    if unwanted := suppressed_among(workspace, phones):
        raise Refused(
            _("%(number)s is suppressed: its owner wants nothing.") % {"number": f"+{unwanted[0]}"}, code="suppressed"
        )
    return phones


def suppressed_among(workspace: Workspace, phones: Collection[int]) -> list[int]:
    return sorted(suppressions.that_bind(workspace, phones))


def _check_admin(workspace: Workspace, by: User) -> None:
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace says which phones are test phones."), code="not_an_admin")


def _checked(text: str, phone: int) -> str:
    text = names.clean(text)
    if len(text) > LONGEST:
        raise Refused(_("At most %(most)s characters.") % {"most": LONGEST}, code="too_long")
    if str(phone)[-suppressions.TELLING :] in "".join(filter(str.isdigit, text)):
        raise Refused(_("Leave the number out of the name: the ledger keeps it for ever."), code="number_in_name")
    return text
