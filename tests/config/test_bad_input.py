"""What is wrong stands beside its field, and nothing that was typed is lost: every form of the pages where people type.

The steps of a campaign have the same in `campaigns/test_wizard`, the desk in `moderation/test_desk`.
"""

import re
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.roles import Role
from tests import factories
from tests.config import everything
from tests.pages import signed_in

LONG = "x" * 2100
NOBODY = ""

# Whose form it is, where it is sent, what is typed, which field is wrong, and what is said beside it.
FORMS = [
    # --- Accounts ---
    (Role.AUTHOR, "/profile/", {"name": LONG}, "name", "at most"),
    (Role.AUTHOR, "/profile/password/", {"old_password": "guessed"}, "old_password", "incorrect"),
    (Role.AUTHOR, "/join/", {"wanted": "", "message": "It is Ann."}, "wanted", "required"),
    (Role.AUTHOR, "/keys/token/", {"name": "", "lasts": "365", "scopes": "lists:read"}, "name", "required"),
    (Role.ADMIN, "/keys/new/", {"name": "The shop"}, "scopes", "required"),
    (Role.ADMIN, "/members/invite/", {"email": "nobody", "role": "admin"}, "email", "valid email"),
    (Role.ADMIN, "/members/rules/", {"approval_days": "9999", "second_approver_above": "70"}, "approval_days", "365"),
    (Role.ADMIN, "/members/requests/{members/requests}/refuse/", {"reason": LONG}, "reason", "at most"),
    (NOBODY, "/password/", {"email": "nobody"}, "email", "valid email"),
    # --- Campaigns ---
    (Role.AUTHOR, "/campaigns/texts/new/", {"name": "", "text": "Half price."}, "name", "required"),
    (Role.AUTHOR, "/campaigns/texts/new/", {"name": "Sale", "text": "Dear {"}, "text", "brace"),
    (Role.AUTHOR, "/campaigns/{campaigns}/numbers/", {"reason": "Of +31 6 00000001"}, "reason", "Leave the number out"),
    (Role.MODERATOR, "/campaigns/{missed}/reschedule/", {"send_at": "2001-01-01T10:00"}, "send_at", "in the past"),
    (Role.MODERATOR, "/campaigns/{missed}/reschedule/", {"send_at": "soon"}, "send_at", "valid date"),
    # --- Lists and numbers ---
    (Role.AUTHOR, "/lists/new/", {"name": "Customers", "numbers": "0612345678", "country": "XX"}, "country", "XX"),
    (Role.AUTHOR, "/lists/new/", {"name": "Customers"}, "file", "Choose a file"),
    (Role.AUTHOR, "/lists/{lists}/rename/", {"name": LONG}, "name", "at most"),
    (Role.AUTHOR, "/lists/{uploading}/file/", {}, "file", "Choose a file"),
    (Role.AUTHOR, "/lists/{uploading}/file/", {"file": "empty.csv"}, "file", "empty"),
    (Role.AUTHOR, "/lists/numbers/", {"reason": "Of +31 6 00000001"}, "reason", "Leave the number out"),
    (Role.AUTHOR, "/lists/suppressed/add/", {"number": "12", "reason": "By letter."}, "number", "12"),
    (
        Role.AUTHOR,
        "/lists/suppressed/add/",
        {"number": "+31612345678", "reason": "Asked from +31612345678"},
        "reason",
        "Leave the number out",
    ),
    (
        Role.AUTHOR,
        "/lists/suppressed/imports/new/",
        {"file": "stop.txt", "reason": "From the old system.", "country": "XX"},
        "country",
        "Say which country",
    ),
    (Role.ADMIN, "/lists/suppressed/{lists/suppressed}/remove/", {"reason": ""}, "reason", "required"),
    (Role.ADMIN, "/lists/suppressed/stop-words/", {"words": "STOP\n" + "y" * 90}, "words", "longer than 40"),
    (Role.ADMIN, "/lists/test-phones/add/", {"number": "12", "whose": "Ann", "label": "Office"}, "number", "12"),
    # --- Senders ---
    (Role.ADMIN, "/senders/new/", {"name": LONG}, "name", "at most"),
    (Role.AUTHOR, "/senders/{senders}/revisions/", {"saddr": "Far too long", "reason": "Ours."}, "saddr", "11"),
    # --- Of a workspace ---
    (Role.ADMIN, "/limits/", {"parts_per_day": "-1", "parts_per_month": "70"}, "parts_per_day", "greater"),
    (Role.ADMIN, "/limits/", {"parts_per_day": "70", "destinations": "31 NL"}, "destinations", "“NL”"),
    (Role.ADMIN, "/retention/", {"lists_kept_days": "0", "exports_kept_days": "7"}, "lists_kept_days", "greater"),
    (Role.ADMIN, "/exports/standing/", {"format": "csv", "hours_after_end": "9999"}, "hours_after_end", "less"),
    (Role.ADMIN, "/erasures/", {"number": "12", "reason": "By letter.", "is_sure": "on"}, "number", "12"),
    (Role.ADMIN, "/inquiries/", {"number": "12", "reason": "By letter."}, "number", "12"),
    (
        Role.ADMIN,
        "/webhooks/new/",
        {"url": "ftp://shop.example/", "description": "The shop", "events": "campaign.done"},
        "url",
        "https",
    ),
]


class Form(HTMLParser):
    """What stands in the fields of a page, and what is said beside each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.errors: dict[str, str] = {}
        self._at = self._name = ""
        self._depth = 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if self._at and tag == "div":
            self._depth += 1
        if given.get("id", "").endswith(("_error", "-error")):
            self._at, self._depth = re.split("[_-]error", given["id"])[0], 1
        name = given.get("name", "")
        if tag == "textarea":
            self._name = name
        elif tag == "input" and (given.get("type") not in {"radio", "checkbox"} or "checked" in given):
            self.values.setdefault(name, []).append(given.get("value", "on" if given.get("type") == "checkbox" else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.values.setdefault(self._select, []).append(given["value"])

    def handle_endtag(self, tag):
        if self._at and tag == "div":
            self._depth -= 1
            if not self._depth:
                self._at = ""
        if tag == "textarea":
            self._name = ""

    def handle_data(self, data):
        if self._at:
            self.errors[self._at] = (self.errors.get(self._at, "") + data).strip()
        if self._name:
            self.values.setdefault(self._name, []).append(data.removeprefix("\n"))


def wrong_with(answer, given, field, said):
    """What is not as it should be, in words; nothing when all is well."""
    form = Form(answer.content.decode())
    beside = next((text for name, text in form.errors.items() if name.endswith(field)), "")
    kept = {name: value for name, value in given.items() if name != "file" and "password" not in name}
    lost = [name for name, value in kept.items() if value and value not in form.values.get(name, [])]
    found = [] if answer.status_code == 400 else [f"status {answer.status_code}"]
    found += [] if said in beside else [f"beside {field}: {beside or form.errors}"]
    return found + [f"{name} is lost" for name in lost]


@pytest.mark.timeout(300)  # a walk
def test_what_is_wrong_stands_beside_its_field_and_nothing_that_was_typed_is_lost(client, workspace):
    ids = everything.things(workspace)
    ids |= {"missed": factories.missed(workspace).pk, "uploading": factories.uploading_list(workspace).pk}
    pages = {role: signed_in(factories.member(workspace, role), workspace) for role in Role} | {NOBODY: client}
    found = {}
    for who, where, given, field, said in FORMS:
        typed = {
            n: SimpleUploadedFile(value, b"" if "empty" in value else b"x") if n == "file" else value
            for n, value in given.items()
        }
        answer = pages[who].post(where.format_map(ids), {"round": 1, **typed})
        if wrong := wrong_with(answer, given, field, said):
            found[where, field] = wrong
    assert found == {}, "\n".join(f"{where}: {wrong}" for where, wrong in found.items())
