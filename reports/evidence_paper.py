"""The document in a bundle of evidence: what the other members tell programs, told to whoever must judge it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from audit import words
from audit.wording import worded
from campaigns.statuses import Mode, Status
from delivery.statuses import IncidentKind, Term
from reports import bundle
from reports.paper import Cell, Paper
from senders.statuses import RevisionStatus

TERMS = ("delivered", "failed", "pending", "no_receipt", "uncertain", "expired", "cancelled", "waiting")
Json = Mapping[str, Any]


def made(campaign: Json, chain: Json, *, public: str, language: str) -> bytes:
    """Of the two members and the public key that signs them; times are in the workspace's zone."""
    with override(language):
        return _Document(campaign, chain, public=public, language=language).written()


class _Document:
    def __init__(self, campaign: Json, chain: Json, *, public: str, language: str) -> None:
        self.campaign, self.chain, self.public = campaign, chain, public
        self.zone = ZoneInfo(campaign["workspace"]["time_zone"])
        foot = _("Evidence of campaign %(id)d of workspace %(workspace)s, made at %(at)s, key %(key)s") % {
            **{"id": campaign["id"], "workspace": campaign["workspace"]["name"], "key": bundle.key_id(public)},
            "at": self._at(campaign["made_at"]),
        }
        made_at = datetime.fromisoformat(campaign["made_at"])
        title = _("Evidence of a campaign")
        self.paper = Paper(title=title, about=campaign["name"], foot=foot, language=language, made_at=made_at)

    def written(self) -> bytes:
        self._summary()
        self._text()
        self._sender()
        self._list()
        self._decisions()
        self._totals()
        self._timeline()
        self._incidents()
        self._proof()
        self._checking()
        return self.paper.bytes()

    def _at(self, text: str | None, *, seconds: bool = True) -> str:
        if not text:
            return ""
        at = datetime.fromisoformat(text).astimezone(self.zone)
        return f"{date_format(at, 'j E Y, H:i:s' if seconds else 'j M Y, H:i:s')} {at:%Z}"

    def _summary(self) -> None:
        campaign, times, people = self.campaign, self.campaign["times"], self.campaign["people"]
        self.paper.say(
            _(
                "This document says what was sent in this campaign, in whose name, to whom, who approved it "
                "and what became of it. It is one member of a signed archive; the last section says how to "
                "check that none of it was changed since."
            )
        )
        self.paper.facts(
            [
                (_("Campaign"), f"{campaign['name']} ({campaign['id']})"),
                (_("Workspace"), f"{campaign['workspace']['name']} ({campaign['workspace']['id']})"),
                (_("Status"), str(Status(campaign["status"]).label)),
                (_("Ended because"), worded(campaign["stopped_because"])),
                (_("Written by"), people["created_by"]),
                (_("Last edited by"), people["edited_by"]),
                (_("Submitted by"), _by_at(people["submitted_by"], self._at(times["submitted_at"]))),
                (_("Approved at"), self._at(times["approved_at"])),
                (_("Sending began"), self._at(times["started_at"])),
                (_("Sending ended"), self._at(times["finished_at"])),
                (_("Channel"), campaign["channel"]),
                (_("Route"), campaign["route"] or ""),
                (_("Made at"), self._at(campaign["made_at"])),
            ]
        )

    def _text(self) -> None:
        message, content = self.campaign["message"], self.campaign["content"]
        self.paper.section(_("What was sent"))
        alphabet = _("GSM alphabet (GSM 03.38)") if message["encoding"] == "gsm7" else _("Unicode (UCS-2)")
        self.paper.quote(self.campaign["text"], above=_("The text, as it was approved"))
        facts = [(_("Alphabet"), alphabet), (_("Sending mode"), str(Mode(content["mode"]).label))]
        if message["varies"]:
            self.paper.say(
                _("What stands in braces was filled by the program for each message: the parts are the fewest.")
                if self.campaign["pushed"]
                else _("What stands in braces was filled from the list for each recipient: the parts are the fewest.")
            )
            facts.append((_("Parts, at least"), str(self.campaign["parts_at_least"])))
        elif len(message["parts"]) > 1:
            for number, part in enumerate(message["parts"], 1):
                told = {"number": number, "of": len(message["parts"])}
                self.paper.quote(part, above=_("Part %(number)d of %(of)d") % told)
        facts.append((_("Parts"), "" if message["varies"] else str(len(message["parts"]))))
        for label, name in (
            *((_("Send at"), "send_at"), (_("From"), "date_from")),
            *((_("Until"), "date_to"), (_("Deadline"), "not_after")),
        ):
            facts.append((label, self._at(content[name])))
        self.paper.facts(facts)

    def _sender(self) -> None:
        sender = self.campaign["sender"]
        revision = sender["revision"]
        document = revision["document"]
        self.paper.section(_("In whose name"))
        self.paper.facts(
            [
                (_("Sender shown"), revision["saddr"]),
                (_("Sender"), _("%(name)s, revision %(number)d") % {**revision, "name": sender["name"]}),
                (_("Status"), str(RevisionStatus(revision["status"]).label)),
                (_("Reason given"), revision["reason"]),
                (_("Submitted by"), _by_at(revision["submitted_by"], self._at(revision["submitted_at"]))),
                (_("Decided by"), _by_at(revision["decided_by"], self._at(revision["decided_at"]))),
                (_("Reason of the decision"), revision["decision_reason"]),
                (_("Document shown"), document["member"] or worded(document["note"]) if document else _("None")),
                (_("Its SHA-256"), Cell((document or {}).get("sha256") or "", is_code=True)),
            ]
        )

    def _list(self) -> None:
        listed, pushed = self.campaign["list"], self.campaign["pushed"]
        self.paper.section(_("To whom"))
        if pushed:
            self._pushed(pushed)
            return
        self.paper.say(
            _("No recipient's number is in this archive. The digest stands for the list as it was approved."),
            quiet=True,
        )
        self.paper.facts(
            [
                (_("List"), f"{listed['name']} ({listed['filename']})" if listed["filename"] else listed["name"]),
                (_("Rows of the file"), intcomma(listed["rows"])),
                (_("Invalid"), intcomma(listed["invalid"])),
                (_("Duplicate"), intcomma(listed["duplicate"])),
                (_("Suppressed"), intcomma(listed["suppressed"])),
                (_("Accepted"), intcomma(listed["accepted"])),
                (_("Erased since"), intcomma(listed["erased"])),
                (_("Digest of the list"), Cell(listed["digest"], is_code=True)),
            ]
        )

    def _pushed(self, pushed: Json) -> None:
        self.paper.say(
            _(
                "This campaign has no list: programs pushed its messages one by one, with keys of the workspace. No "
                "recipient's number is in this archive."
            ),
            quiet=True,
        )
        self.paper.facts(
            [
                (_("Messages pushed"), intcomma(pushed["messages"])),
                (_("Suppressed when they were pushed"), intcomma(pushed["suppressed"])),
                (_("Erased since"), intcomma(pushed["erased"])),
            ]
        )
        if pushed["by_day_and_key"]:
            self.paper.rows(
                [_("Day"), _("By which key"), _("Messages"), _("First"), _("Last")],
                [
                    [
                        *(date_format(date.fromisoformat(one["day"]), "j M Y"), key_named(one["key"])),
                        intcomma(one["messages"]),
                        *(self._at(one["first_at"], seconds=False), self._at(one["last_at"], seconds=False)),
                    ]
                    for one in pushed["by_day_and_key"]
                ],
                widths=(24, 52, 18, 36, 36),
                align=("LEFT", "LEFT", "RIGHT", "LEFT", "LEFT"),
            )

    def _decisions(self) -> None:
        decisions = self.campaign["decisions"]
        self.paper.section(_("Who decided"))
        if decisions:
            self.paper.rows(
                [_("Decision"), _("By"), _("When"), _("Why"), _("Entry")],
                [
                    [
                        *(str(words.of(one["verdict"])), one["by"], self._at(one["at"], seconds=False)),
                        *(worded(one["why"]) or "–", str(one["seq"])),
                    ]
                    for one in decisions
                ],
                widths=(34, 44, 36, 40, 12),
                align=("LEFT", "LEFT", "LEFT", "LEFT", "RIGHT"),
            )
        else:
            self.paper.say(_("Nobody has decided on it yet."))
        if self.campaign["seal"]:
            self.paper.say(
                _(
                    "The approval sealed the text, the sender, the list and the times. The seal is compared "
                    "at the start and before each portion is sent: what was sent is what was approved."
                )
            )
            self.paper.facts([(_("Seal (SHA-256)"), Cell(self.campaign["seal"], is_code=True))])

    def _totals(self) -> None:
        n = self.campaign["totals"]
        self.paper.section(_("What became of it"))
        described = {
            "delivered": _("the carrier confirmed it"),
            "failed": _("refused, or reported as not delivered"),
            "pending": _("taken by the carrier, receipt awaited"),
            "no_receipt": _("taken by the carrier, the receipt never came"),
            "uncertain": _("handed over, the answer was lost; not sent again"),
            "expired": _("not sent before the deadline"),
            "cancelled": _("not sent: the campaign was called off"),
            "waiting": _("not handed over yet"),
        }
        rows = [
            [str(Term(term).label), described[term], intcomma(n[term])]
            for term in TERMS
            if n[term] or term in TERMS[:2]
        ]
        self.paper.rows(
            [_("Outcome"), _("Meaning"), _("Recipients")], rows, widths=(40, 92, 34), align=("LEFT", "LEFT", "RIGHT")
        )
        self.paper.say(
            _("%(accepted)s accepted = %(sum)s")
            % {
                "accepted": intcomma(n["accepted"]),
                "sum": " + ".join(f"{intcomma(n[term])} {str(Term(term).label).lower()}" for term in TERMS),
            }
        )
        self.paper.say(
            _(
                "%(rows)s rows = %(invalid)s invalid + %(duplicate)s duplicate + %(suppressed)s suppressed + "
                "%(accepted)s accepted"
            )
            % {name: intcomma(n[name]) for name in ("rows", "invalid", "duplicate", "suppressed", "accepted")}
        )

    def _timeline(self) -> None:
        told = [link["entry"] for link in self.chain["links"] if "entry" in link]
        self.paper.section(_("What happened, in order"))
        self.paper.rows(
            [_("Entry"), _("When"), _("What"), _("By")],
            [
                [
                    *(str(entry["seq"]), self._at(entry["at"], seconds=False)),
                    *(str(words.of(entry["action"])), _actor(entry)),
                ]
                for entry in told
            ],
            widths=(14, 42, 62, 48),
            align=("RIGHT", "LEFT", "LEFT", "LEFT"),
        )

    def _incidents(self) -> None:
        if not self.campaign["incidents"]:
            return
        self.paper.section(_("Incidents while it was sent"))
        self.paper.rows(
            [_("Kind"), _("Channel"), _("Count"), _("First"), _("Last")],
            [
                [
                    *(str(IncidentKind(one["kind"]).label), one["channel"], intcomma(one["count"])),
                    *(self._at(one["first_at"], seconds=False), self._at(one["last_at"], seconds=False)),
                ]
                for one in self.campaign["incidents"]
            ],
            widths=(48, 30, 16, 36, 36),
            align=("LEFT", "LEFT", "RIGHT", "LEFT", "LEFT"),
        )

    def _proof(self) -> None:
        links, head, witness = self.chain["links"], self.chain["head"], self.chain["witness"]
        others = sum("entry" not in link for link in links)
        self.paper.section(_("Proof by the ledger"))
        self.paper.say(
            _(
                "Whatever somebody does here is an entry of a ledger to which entries are only added. Each "
                "entry's hash covers its own words and the hash of the entry before it: an entry that was "
                "changed, taken out or put in later breaks the chain from there on."
            )
        )
        said = ngettext(
            "The archive has %(count)s entry of it, from %(first)s to %(last)s;",
            "The archive has %(count)s entries of it, from %(first)s to %(last)s;",
            len(links),
        )
        first, last = (links[0]["seq"], links[-1]["seq"]) if links else (0, 0)
        about = _("%(others)s of them are about other matters and are there as digests, without their words.")
        told = {"count": intcomma(len(links)), "first": first, "last": last}
        self.paper.say(f"{said % told} {about % {'others': intcomma(others)}}")
        if witness:
            self.paper.say(
                _(
                    "The hash of the last one was kept in the object storage, apart from the database, before "
                    "this document was made: whoever writes the ledger anew would have to change that as "
                    "well."
                )
            )
        else:
            self.paper.say(
                _(
                    "The object storage has kept no hash of an entry behind the campaign's last one yet: "
                    "evidence that is made some minutes later has one."
                )
            )
        if head:
            self.paper.facts(
                [
                    (_("Last entry"), str(head["seq"])),
                    (_("Its hash"), Cell(head["hash"], is_code=True)),
                    (_("Hash that was kept"), Cell(witness["hash"] if witness else "", is_code=True)),
                ]
            )

    def _checking(self) -> None:
        checking(self.paper, public=self.public)


def checking(paper: Paper, *, public: str) -> None:
    """How whoever has the archive checks it, with tools that are not ours."""
    paper.section(_("How to check this archive"))
    paper.say(
        _(
            "The file manifest.json has the SHA-256 of each member, of this document too, and manifest.sig is "
            "its Ed25519 signature. Get the public key from the house itself, at the address "
            "/evidence-key/pem/?key=%(key)s of its installation, and compare it with the one below; then, with "
            "OpenSSL 3:"
        )
        % {"key": bundle.key_id(public)}
    )
    paper.code(
        [
            "unzip evidence.zip",
            "openssl pkeyutl -verify -pubin -inkey key.pem -rawin \\",
            "    -in manifest.json -sigfile manifest.sig",
            "sha256sum evidence.pdf *.json",
        ]
    )
    paper.say(
        _(
            "The sums must be those of manifest.json. “manage.py verify_evidence FILE” does all of that, "
            "recomputes what else the archive claims, and needs no database."
        )
    )
    facts: Sequence[tuple[str, Cell]] = [
        (_("Name of the key"), Cell(bundle.key_id(public), is_code=True)),
        (_("Public key (Ed25519)"), Cell(public, is_code=True)),
    ]
    paper.facts(facts)


def key_named(key: Json | None) -> str:
    """A key of the API as people know it, and who answers for it."""
    return f"{key['name']} ({key['prefix']}…), {key['person']}" if key else _("not kept")


def _by_at(who: str | None, at: str) -> str:
    return ", ".join(filter(None, (who, at)))


def _actor(entry: Json) -> str:
    who = _("the system") if entry["actor"] is None and entry["actor_name"] == "system" else entry["actor_name"]
    return f"{who} ({entry['role']})" if entry["role"] else who
