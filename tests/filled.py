"""A workspace as it looks after a busy month: every kind of campaign, list and sender, with figures of ten millions.

For whoever looks at pages. The big figures are in the counters only: nobody reads ten million rows here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts import second_steps
from accounts.models import JoinRequest, User, Workspace
from accounts.roles import Role
from campaigns import transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from channels.models import BindTest, Channel, LinkState
from channels.reasons import BOUND
from delivery import incidents, reasons, verdicts
from delivery.models import Chunk, Inbound, Intent, Movement, Tally
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from moderation import decisions
from recipients import suppressions
from recipients.models import RecipientList
from reports import erasure_places, erasures, exports, inquiries, lately
from reports.models import Erasure, Inquiry
from senders import transitions as sender_transitions
from senders.models import Sender
from smpp.receipts import MessageState as CarrierState
from tests import evidence, factories
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

LONG_NAME = "Summer clearance for regular customers in Noord-Holland, Zuid-Holland and Utrecht, second wave"
TEXT = "Half price on everything until Sunday, only at Acme. Show this message at the till. Stop: text STOP to 4040."
MINUTES = 80
MANY = 4_860  # recipients of what is small enough to be there row by row
OUTCOMES = {
    1: evidence.UNDELIVERABLE,
    2: evidence.REFUSED,
    5: evidence.UNDELIVERABLE,
    9: evidence.UNRECEIPTED,
    14: evidence.UNDELIVERABLE | {"error_code": verdicts.error_code(CarrierState.EXPIRED, "027")},
    31: evidence.UNDELIVERABLE | {"error_code": verdicts.error_code(CarrierState.REJECTED, "011")},
}
STATES = {MessageState.DELIVERED: 6_204_118, MessageState.FAILED: 148_220, MessageState.PENDING: 391_774}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    workspace: Workspace
    author: User
    moderator: User
    admin: User
    operator: User  # a super admin
    campaigns: dict[str, Campaign]
    ready: RecipientList
    failed: RecipientList
    sender: Sender
    request: JoinRequest  # by somebody who is no member yet
    endpoint: Endpoint
    ping: Delivery
    erasure: Erasure
    inquiry: Inquiry
    answered: Inquiry
    erased: Erasure


def fill(workspace: Workspace) -> Filled:
    author = factories.member(workspace, Role.AUTHOR, user=factories.user(name="Ann de Vries"))
    moderator = factories.member(workspace, Role.MODERATOR, user=factories.user(name="Mo Haddad", is_staff=True))
    admin = factories.member(workspace, Role.ADMIN, user=factories.user(name="Zoë van den Berg", is_staff=True))
    operator = factories.member(
        workspace, Role.ADMIN, user=factories.user(name="Ines Okonkwo", is_staff=True, is_superuser=True)
    )
    factories.member(workspace, Role.AUTHOR, user=factories.user(name=LONG_NAME[:100]), is_moderator=True)
    second_steps.propose(author)  # an app that waits for its first code
    sender = _sender(workspace, author, moderator)
    names = {"columns": ["name", "city"], "cells": [["Ann", "Delft"], ["Bob", "Gouda"], ["", "Breda"]] * (MANY // 3)}
    ready = factories.ready_list(
        workspace, MANY, name="Regular customers", by=author, invalid=12, duplicate=96, **names
    )
    failed = factories.failed_list(workspace)
    factories.preparing_list(workspace, name="Newsletter, November", by=author)
    factories.uploading_list(workspace, name="Lottery", by=author)
    for number in range(3):
        suppressions.opt_out(workspace, factories.FIRST_NUMBER + 1000 + number)
    factories.suppression_import(workspace)
    factories.saved_text(
        workspace, "Store opening", text="Dear {name|friend}, our new shop opens on Saturday.", by=author
    )
    factories.invitation(workspace, "newcomer@acme.example", by=admin, is_moderator=True)
    newcomer = factories.user(name="Lou Smit")
    request = factories.join_request(workspace, newcomer, "Marta in marketing said that I should ask here.")
    endpoint = factories.endpoint(workspace, f"https://hooks.example.com/{'a-long-way/' * 12}in", by=admin)
    ping = endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    factories.api_key(workspace, name=LONG_NAME[:60], by=admin)
    factories.token(workspace, author)
    factories.standing_export(workspace, by=admin)
    factories.trial_phone(workspace)
    campaigns = {
        str(status): factories.campaign(workspace, status, by=author, sender=sender, list=ready, text=TEXT, name=name)
        for status, name in {
            Status.DRAFT: "Christmas market",
            Status.IN_REVIEW: LONG_NAME,
            Status.REJECTED: "Loyalty points expire",
            Status.MISSED: "Flash sale, Friday",
            Status.PAUSED: "Store opening, Breda",
            Status.DONE: "Autumn collection",
            Status.EXPIRED: "Lunch offer",
            Status.CANCELLED: "Black Friday, old text",
            Status.FAILED: "Win back",
        }.items()
    }
    evidence.dispatched(campaigns["done"], lambda recipient: OUTCOMES.get(recipient % 40, evidence.DELIVERED))
    for status in ("expired", "failed"):  # ended after the first third
        evidence.dispatched(campaigns[status], evidence.DELIVERED, handed_over=[MANY // 3])
    asked = {"reason": f"By letter: {LONG_NAME}.", "by": admin}
    away = factories.draft(workspace, by=author, sender=sender, list=ready, text=TEXT, name="Easter, first idea")
    transitions.archive(away.pk, by=author, now=timezone.now())
    answered = _answered(workspace, factories.FIRST_NUMBER, **asked)
    erased = _erased(workspace, factories.FIRST_NUMBER + 1002, **asked)
    _trouble(campaigns["done"])
    _said(workspace)
    campaigns["approved"] = _scheduled(workspace, author, moderator, sender, ready)
    campaigns["sending"] = _big(workspace, author, sender)
    today = timezone.localdate()
    for ago in range(14):
        day = today - timedelta(days=ago)
        for state, share in ((MessageState.DELIVERED, 91), (MessageState.FAILED, 6), (MessageState.PENDING, 3)):
            messages = 137 * share * (1 + ago * 5 % 7)
            factories.day_count(campaigns["done"], day, state=state, messages=messages, parts=messages)
    return Filled(
        workspace=workspace,
        author=author,
        moderator=moderator,
        admin=admin,
        operator=operator,
        campaigns=campaigns,
        ready=ready,
        failed=failed,
        sender=sender,
        request=request,
        endpoint=endpoint,
        ping=ping,
        erasure=erasures.ask(workspace, "+31699999999", now=timezone.now(), **asked),
        inquiry=inquiries.ask(workspace, "+31699999998", now=timezone.now(), **asked),
        answered=answered,
        erased=erased,
    )


def write_exports(filled: Filled) -> None:
    """Of the campaign that is done. Not within a transaction: an export has one of its own."""
    for format, by in (("csv", filled.author), ("parquet", filled.admin)):
        asked = exports.request(filled.campaigns["done"].pk, format=format, numbers="masked", by=by)
        exports.write(asked.pk, clock=timezone.now)


def _answered(workspace: Workspace, number: int, **asked: Any) -> Inquiry:
    made = inquiries.ask(workspace, f"+{number}", now=timezone.now(), **asked)
    inquiries.work_on(made.pk, clock=timezone.now)
    made.refresh_from_db()
    return made


def _erased(workspace: Workspace, number: int, **asked: Any) -> Erasure:
    """Asked for so long ago that nobody has the number in memory any more: one look is enough."""
    long_ago = timezone.now() - 2 * erasure_places.READ_WITHIN
    made = erasures.ask(workspace, f"+{number}", now=long_ago, **asked)
    erasures.work_on(made.pk, clock=timezone.now)
    made.refresh_from_db()
    return made


def _trouble(campaign: Campaign) -> None:
    """Of its carrier, while it ran."""
    at = campaign.started_at or timezone.now()
    for kind, what in (
        (IncidentKind.LINK_LOST, reasons.CUT % {"count": 12}),
        (IncidentKind.THROTTLED, reasons.THROTTLED % {"seconds": "0.5"}),
    ):
        sample = reasons.BIND % {"link": "main/0", "what": what}
        incidents.note(kind, at=at, sample=sample, channel_id=campaign.channel_id, count=3)


def _said(workspace: Workspace) -> None:
    """By phones."""
    for place, text in enumerate(("STOP", "Is the shop in Breda open on Sunday?")):
        Inbound.objects.create(
            workspace=workspace,
            channel=Channel.objects.default(),
            received_at=timezone.now(),
            phone=factories.FIRST_NUMBER + place,
            to_address="4040",
            text=text,
            data_coding=0,
            keyword="STOP" if text == "STOP" else "",
            raw=b"",
        )


def _sender(workspace: Workspace, author: User, moderator: User) -> Sender:
    """Approved, with a second revision that waits."""
    made = factories.sender(workspace, "Acme shops")
    sender_transitions.submit_revision(made.pk, saddr="AcmeStores", by=author, reason="We were renamed in October.")
    rejected = factories.sender(workspace, "Acme bank", approved=False)
    revision = sender_transitions.submit_revision(rejected.pk, saddr="AcmeBank", by=author, reason="Our card.")
    sender_transitions.reject_revision(revision.pk, by=moderator, now=timezone.now(), reason="Not yours: ask the bank.")
    return made


def _scheduled(workspace: Workspace, author: User, moderator: User, sender: Sender, listed: RecipientList) -> Campaign:
    at = timezone.now() + timedelta(hours=20)
    made = factories.in_review(
        workspace, by=author, sender=sender, list=listed, name="Sunday opening", mode=Mode.SCHEDULED, send_at=at
    )
    return decisions.approve_campaign(made.pk, by=moderator, now=timezone.now())


def _big(workspace: Workspace, author: User, sender: Sender) -> Campaign:
    """To ten million, two thirds handed over in an hour and a quarter."""
    listed = factories.ready_list(workspace, name="Everybody, all shops", by=author)
    made = factories.sending(
        workspace, by=author, sender=sender, list=listed, text=TEXT, name="Winter sale", parts_per_second=1_550
    )
    evidence.dispatched(made)
    accepted, invalid, duplicate = 9_812_345, 31_207, 156_448
    RecipientList.objects.filter(pk=listed.pk).update(
        rows=accepted + invalid + duplicate,
        accepted=accepted,
        invalid=invalid,
        duplicate=duplicate,
        bytes=742_101_933,
        breakdown={"countries": [["NL", 8_112_004], ["BE", 1_400_341], ["DE", 300_000]], "prefixes": [["6", accepted]]},
    )
    handed_over = sum(STATES.values())
    Chunk.objects.filter(campaign=made).update(
        count=accepted, next=handed_over, intended=handed_over, status=ChunkStatus.OPEN
    )
    Tally.objects.filter(campaign=made).delete()
    Tally.objects.bulk_create(Tally(campaign=made, state=state, n=n, at=None) for state, n in STATES.items())
    begun = timezone.now() - timedelta(minutes=MINUTES)
    written = begun - timedelta(hours=2)
    Campaign.objects.filter(pk=made.pk).update(created_at=written, approved_at=begun, started_at=begun)
    Movement.objects.bulk_create(_course(made, begun))
    _at_work(made)
    made.refresh_from_db()
    return made


def _at_work(campaign: Campaign) -> None:
    """Now, however long it takes until somebody looks: what says so is of the next hour."""
    soon = timezone.now() + timedelta(hours=1)
    chunk = Chunk.objects.get(campaign=campaign)
    Chunk.objects.filter(pk=chunk.pk).update(owner="dispatch")
    # One a second, for as long as somebody looks at the pages: what is yet to come counts when its time is there.
    intent = {"chunk": chunk, "epoch": 1, "owner": "dispatch", "first": 0, "count": 1_400}
    begin = timezone.now() - lately.WINDOW
    Intent.objects.bulk_create(
        Intent(**intent, at=begin + timedelta(seconds=second)) for second in range(lately.MOST_INTENTS)
    )
    test = {"asked_by": campaign.created_by, "asked_at": begin, "answered_at": begin}
    BindTest.objects.create(channel=campaign.channel, is_bound=True, words=BOUND % {"took": 41}, code=0, **test)
    bound = {"is_up": True, "bound_at": campaign.started_at, "window": 100, "unanswered": 41, "rate": 761.5}
    for number in range(campaign.channel.binds):
        LinkState.objects.create(
            process="dispatch", channel=campaign.channel, name=f"main/{number}", seen_at=soon, **bound
        )


def _course(campaign: Campaign, begun: datetime) -> Iterator[Movement]:
    """Evenly, but for ten minutes in which the carrier was away."""
    at_work = [minute for minute in range(MINUTES) if not 30 <= minute < 40]
    for number, minute in enumerate(at_work):
        for state, n in STATES.items():
            share = n // len(at_work) + (n % len(at_work) if number == 0 else 0)
            yield Movement(campaign=campaign, begin=begun + timedelta(minutes=minute), state=state, n=share)
