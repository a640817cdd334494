"""What the desk calls fields and rows. Django makes names for them of our code, which nobody can translate there.

A name that is shown stands here, marked for the catalogues; a test walks the desk and finds one that is not.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.functional import keep_lazy_text
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

from config.staff import REGISTERS

NAMES = frozenset(
    {
        *(_("action"), _("actor name"), _("added"), _("added at"), _("added by"), _("already")),
        *(_("answer overrides"), _("api key"), _("at"), _("bind mode"), _("binds"), _("blocked term"), _("by")),
        *(_("campaign"), _("campaign to judge"), _("canned reason"), _("changed at"), _("channel"), _("chunk")),
        *(_("column"), _("content version"), _("count"), _("country"), _("created at"), _("created by")),
        *(_("decided at"), _("decided by"), _("decision"), _("default coding"), _("done at"), _("edited at")),
        *(_("edited by"), _("email"), _("enquire link seconds"), _("entry"), _("expires at"), _("failure")),
        *(_("filename"), _("four eyes"), _("halt"), _("host"), _("imported"), _("inbound message"), _("incident")),
        *(_("invalid"), _("invitation"), _("invited by"), _("is active"), _("is default"), _("is staff")),
        *(_("join request"), _("joined at"), _("keyword"), _("kind"), _("last used at"), _("list")),
        *(_("long messages"), _("membership"), _("message"), _("mode"), _("moderator"), _("name"), _("next")),
        *(_("note"), _("number"), _("password"), _("phone"), _("plus sign"), _("port"), _("prefix"), _("progress")),
        *(_("public id"), _("reason"), _("receipt id base"), _("received at"), _("release reason")),
        *(_("released at"), _("revision"), _("revoked at"), _("role"), _("round"), _("route"), _("route member")),
        *(_("route members"), _("rows"), _("scopes"), _("sender"), _("sender revision to judge"), _("sent at")),
        *(_("service type"), _("slug"), _("source"), _("source address"), _("status"), _("submitted at")),
        *(_("submitted by"), _("superuser status"), _("suppression"), _("suppression import"), _("system id")),
        *(_("system type"), _("takes requests"), _("text"), _("time zone"), _("to"), _("tokens may decide")),
        # Of what the ledger is about, and the desk has no register for.
        *(_("endpoint"), _("erasure"), _("export"), _("inquiry"), _("recipient list"), _("saved text")),
        *(_("standing export"), _("stop words"), _("trial phone")),
        *(_("trouble"), _("unresolved"), _("user"), _("why"), _("window"), _("workspace")),
    }
)
HELP = frozenset(
    {
        _("Designates that this user has all permissions without explicitly assigning them."),
        _("E.164 digits; of a number that was erased, its mark."),
        _("Header or number of the column; the first when empty."),
        _("Numbering plan indicator, SMPP 3.4 §5.2.6."),
        _("Per cent of the work."),
        _("Repeated in the file, or suppressed before."),
        _("Type of number, SMPP 3.4 §5.2.5."),
        _("What it is for: accounts.scopes. A key without any may nothing."),
        _("Whether so many recipients needed two moderators at the time."),
        _("Whether the workspace asked for a second person at the time."),
        _("Whoever wrote or last edited it decided: the database says so."),
        _("Why the system, or a person, paused or ended it."),
    }
)


def apply() -> None:
    """To the models, before anybody makes a form of one. Migrations see what the models say themselves."""
    registers = {label: called for _heading, called_so in REGISTERS for label, called in called_so.items()}
    for model in _ours():
        for field in model._meta.get_fields():
            _translate(field, "verbose_name", NAMES)
            _translate(field, "help_text", HELP)
        _translate(model._meta, "verbose_name", NAMES)
        _translate(model._meta, "verbose_name_plural", NAMES)
        if model._meta.label in registers:
            model._meta.verbose_name_plural = _within_a_sentence(registers[model._meta.label])


@keep_lazy_text
def _within_a_sentence(name: str) -> str:
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def _ours() -> Iterable[Any]:
    rooms = (room for room in apps.get_app_configs() if Path(room.path).parent == settings.ROOT)
    return (model for room in rooms for model in room.get_models())


def _translate(named: Any, attribute: str, known: frozenset[str]) -> None:
    said = str(getattr(named, attribute, ""))
    if said in known:
        setattr(named, attribute, gettext_lazy(said))
