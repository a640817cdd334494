"""The document in the answer to an inquiry about one number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit import words
from audit.wording import worded
from delivery.statuses import Term
from recipients.statuses import Source
from reports import bundle
from reports.evidence_paper import checking, key_named
from reports.paper import Cell, Paper

Json = Mapping[str, Any]


def made(answer: Json, *, public: str, language: str) -> bytes:
    with override(language):
        return _Document(answer, public=public, language=language).written()


class _Document:
    def __init__(self, answer: Json, *, public: str, language: str) -> None:
        self.answer, self.public = answer, public
        self.zone = ZoneInfo(answer["workspace"]["time_zone"])
        foot = _("Inquiry %(known_as)s in workspace %(workspace)s, made at %(at)s, key %(key)s") % {
            **{"known_as": answer["known_as"], "workspace": answer["workspace"]["name"]},
            **{"at": self._at(answer["made_at"]), "key": bundle.key_id(public)},
        }
        made_at = datetime.fromisoformat(answer["made_at"])
        title = _("What was sent to one number")
        self.paper = Paper(title=title, about=answer["number"], foot=foot, language=language, made_at=made_at)

    def written(self) -> bytes:
        self._summary()
        for number, message in enumerate(self.answer["messages"], 1):
            self._message(number, message)
        self._lists()
        self._suppressions()
        self._inbound()
        checking(self.paper, public=self.public)
        return self.paper.bytes()

    def _at(self, text: str | None) -> str:
        if not text:
            return ""
        at = datetime.fromisoformat(text).astimezone(self.zone)
        return f"{date_format(at, 'j E Y, H:i:s')} {at:%Z}"

    def _summary(self) -> None:
        answer = self.answer
        self.paper.say(
            _(
                "This document says what the workspace has on record about this number: what was sent to it and why, "
                "by whose approval, what became of it, whether it is suppressed, and what came from it."
            )
        )
        self.paper.facts(
            [
                (_("Number"), answer["number"]),
                (_("Workspace"), f"{answer['workspace']['name']} ({answer['workspace']['id']})"),
                (_("Asked by"), f"{answer['asked']['by']}, {self._at(answer['asked']['at'])}"),
                (_("Reason given"), answer["asked"]["why"]),
                (_("Campaigns"), intcomma(len(answer["messages"]))),
                (_("Lists"), intcomma(len(answer["lists"]))),
                (_("Suppressed"), _("yes") if answer["suppressions"] else _("no")),
                (_("Made at"), self._at(answer["made_at"])),
            ]
        )

    def _message(self, number: int, message: Json) -> None:
        campaign, result = message["campaign"], message["result"] or {}
        self.paper.section(_("Campaign %(name)s (%(id)d)") % campaign)
        if message["is_test"]:
            self.paper.say(_("A test send, to phones of the workspace's register."))
        self.paper.quote(message["text"], above=_("The text, as it was approved"))
        if not message["is_kept"]:
            self.paper.say(_("What became of each recipient is no longer kept."))
        error = result.get("error")
        parts = result.get("parts", [])
        self.paper.facts(
            [
                *self._pushed(message["pushed"]),
                (_("Sender shown"), message["sender"]["saddr"]),
                (
                    _("Result"),
                    str(Term(result["status"]).label) if result else _("nothing was handed over to a carrier"),
                ),
                (_("Handed over"), self._at(result.get("submitted_at"))),
                (_("Final at"), self._at(result.get("done_at"))),
                (_("Error"), f"{error['code']} {error['name']}: {error['text']}" if error else ""),
                (_("Parts"), ", ".join(f"{one['part']}: {_part(one)}" for one in parts)),
                (_("Carrier's ids"), Cell(", ".join(one["id"] for one in result.get("carrier_ids", [])), is_code=True)),
                *((self._decision(approval["entry"])) for approval in message["approvals"]),
                (_("Seal (SHA-256)"), Cell(message["seal"], is_code=True)),
            ]
        )

    def _pushed(self, pushed: Json | None) -> list[tuple[str, str]]:
        if pushed is None:
            return []
        return [
            (_("Pushed by the key"), key_named(pushed["by"])),
            (_("Pushed at"), self._at(pushed["at"])),
            (_("The program calls it"), pushed["idempotency_key"] or ""),
            (_("To be sent until"), self._at(pushed["expires_at"])),
            (_("Suppressed when it was pushed"), _("yes") if pushed["is_suppressed"] else ""),
        ]

    def _decision(self, entry: Json) -> tuple[str, str]:
        said = f"{entry['actor_name']}, {self._at(entry['at'])}"
        return str(words.of(entry["action"])), f"{said}: {worded(entry['note'])}" if entry["note"] else said

    def _lists(self) -> None:
        self.paper.section(_("Why it was on a list"))
        if not self.answer["lists"]:
            self.paper.say(_("It is on no list of the workspace."))
        for one in self.answer["lists"]:
            repeated = ", ".join(str(line) for line in one["repeated_on_lines"])
            self.paper.facts(
                [
                    (_("List"), f"{one['name']} ({one['id']})"),
                    (_("File"), one["filename"]),
                    (_("Uploaded by"), f"{one['uploaded_by']}, {self._at(one['uploaded_at'])}"),
                    (_("Place"), _("recipient %(place)d of %(accepted)d") % one),
                    (_("Line of the file"), str(one["line"]) if one["line"] is not None else _between(one)),
                    (_("Again on lines"), repeated),
                    (_("Digest of the list"), Cell(one["digest"], is_code=True)),
                ]
            )

    def _suppressions(self) -> None:
        self.paper.section(_("Suppression"))
        rows = self.answer["suppressions"]
        if not rows:
            self.paper.say(_("The number is not suppressed."))
        for row in rows:
            self.paper.facts(
                [
                    (_("Suppressed since"), self._at(row["since"])),
                    (_("For"), _("this workspace") if row["scope"] == "workspace" else _("the whole installation")),
                    (_("Source"), str(Source(row["source"]).label)),
                    (_("Why"), worded(row["reason"])),
                    (_("By"), row["by"] or ""),
                ]
            )
        self.paper.facts(
            (
                _("Suppressed") if one["action"] == "suppression.added" else _("Taken off"),
                f"{self._at(one['at'])}, {one['by']}: {worded(one['why'])}",
            )
            for one in self.answer["suppression_history"]
        )

    def _inbound(self) -> None:
        self.paper.section(_("What came from it"))
        if not self.answer["inbound"]:
            self.paper.say(_("No message from this number is on record."))
        for one in self.answer["inbound"]:
            keyword = _("taken for the stop word %(keyword)s") % one if one["keyword"] else ""
            self.paper.quote(one["text"], above=" · ".join(filter(None, (self._at(one["at"]), one["to"], keyword))))


def _between(one: Json) -> str:
    """Of a list that was prepared before lines were kept."""
    exact = one["row_from"] == one["row_to"]
    row = _("row %(row_from)d") if exact else _("between row %(row_from)d and row %(row_to)d")
    return f"{_('not kept')}; {row % one}"


def _part(one: Json) -> str:
    if one["delivered"]:
        return _("delivered")
    if one["failed"]:
        return _("failed")
    return _("accepted") if one["accepted"] else _("not accepted")
