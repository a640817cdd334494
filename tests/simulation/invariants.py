"""What must hold of every history, whatever went wrong in it."""

from collections import Counter
from typing import TYPE_CHECKING

from campaigns.statuses import FINISHED, Status
from delivery.statuses import ChunkStatus, ErrorKind, Term
from delivery.statuses import MessageState as S
from smpp.status import CommandStatus as C
from tests.simulation.smsc import ACCEPTED, Submit
from tests.simulation.world import EPOCH, STARTED, Violation

if TYPE_CHECKING:
    from tests.simulation.history import History

LATE = 0.8  # seconds from a look at what has lost its point until its last byte is with the carrier
BREAKER = 10  # of RINVSRCADR, in channels.answers
CALM = ("calm", "refusing", "broke")  # nothing is lost in these

# A state may only rise (I7).
RISES: dict[S | None, set[S]] = {
    None: {S.INTENDED, S.RETRY, S.UNCERTAIN, S.PENDING, S.FAILED, S.SUPPRESSED, S.EXPIRED},
    S.INTENDED: {S.RETRY, S.UNCERTAIN, S.PENDING, S.FAILED},
    S.RETRY: {S.INTENDED, S.EXPIRED, S.CANCELLED, S.SUPPRESSED},
    S.UNCERTAIN: {S.PENDING, S.FAILED, S.DELIVERED},
    S.PENDING: {S.DELIVERED, S.FAILED},
    S.FAILED: {S.DELIVERED, S.PENDING},  # the part that was called undeliverable was delivered after all
}


def check(history: "History", *, in_time: bool) -> None:
    found = list(history.world.broken)
    if not found:
        for one in (_submits, _states, _moves, _epochs, _receipts, _doubts, _breaker, _pushes):
            found += one(history)
        found += _ends(history, in_time)
    if found:
        raise Violation(_told(history, found))


def _told(history: "History", found: list[str]) -> str:
    head = "\n".join(found[:8])
    who = f"seed {history.world.seed} ({history.plan.profile})"
    return f"{who} broke a promise:\n{head}\n{history.plan}\n{history.world.told()}"


def _submits(history: "History") -> list[str]:
    found = []
    for (campaign, recipient), submits in history.smsc.by_recipient.items():
        who = f"{campaign}/{recipient}"
        accepted = Counter(one.part for one in submits if one.code == ACCEPTED)
        if max(accepted.values(), default=0) > 1:
            found.append(f"I1: {who} was accepted {max(accepted.values())} times")
        seen: Counter[int] = Counter()
        for one in submits:
            seen[one.part] += 1
            if one.intents < seen[one.part]:
                found.append(f"I4: {who} was handed over without an intent before it")
            found += _again_only_when_refused(who, one, submits, seen)
    return found


def _again_only_when_refused(who: str, one: Submit, submits: list[Submit], seen: Counter[int]) -> list[str]:
    attempt = seen[one.part]
    counted: Counter[int] = Counter()
    lines = {one.line}
    for before in submits:
        if before is one:
            break
        counted[before.part] += 1
        if counted[before.part] == attempt:
            lines.add(before.line)
        elif before.code == ACCEPTED or not before.is_told:
            return [f"I8: {who} was handed over again, and nobody had refused it"]
    return [f"{who}: its parts went over {len(lines)} binds"] if len(lines) > 1 else []


def _states(history: "History") -> list[str]:
    found = []
    for campaign, messages in history.store.messages.items():
        for recipient, message in messages.items():
            submits = history.smsc.by_recipient.get((campaign, recipient), [])
            accepted = sum({1 << one.part for one in submits if one.code == ACCEPTED})
            who, whole = f"{campaign}/{recipient} ({message.state.name})", (1 << message.parts) - 1
            if message.accepted_mask & ~accepted:
                found.append(f"I2: {who} says that parts were taken, which the carrier never took")
            if message.state in (S.PENDING, S.DELIVERED) and accepted != whole:
                found.append(f"I2: {who}, and the carrier took {accepted:b} of {whole:b}")
            is_refused = message.state is S.FAILED and message.error_kind == ErrorKind.ANSWER
            if is_refused and accepted != message.accepted_mask:
                found.append(f"I2: {who} was taken: {accepted:b}, not {message.accepted_mask:b}")
            if message.state in (S.EXPIRED, S.CANCELLED, S.SUPPRESSED) and accepted:
                found.append(f"I2: {who} was taken by the carrier")
            if message.state is S.SUPPRESSED and submits:
                found.append(f"I10: {who} was handed over")
            told = {one.submit.part for one in history.smsc.receipts if one.word == "DELIVRD" and one.submit in submits}
            if message.delivered_mask & ~sum(1 << part for part in told):
                found.append(f"I2: {who} shows a receipt that is not its own")
    for campaign, recipient in history.smsc.by_recipient:
        if recipient not in history.store.messages[campaign]:
            found.append(f"I3: {campaign}/{recipient} was handed over and is not on record")
    return found


def _moves(history: "History") -> list[str]:
    return [
        f"I7: {move.campaign}/{move.recipient} went from {move.was and move.was.name} to {move.becomes.name}"
        for move in history.store.moves
        if move.becomes not in RISES.get(move.was, set())
    ]


def _epochs(history: "History") -> list[str]:
    found = []
    newest: dict[int, tuple[int, str]] = {}
    for intent in history.store.intents:
        epoch, owner = newest.get(intent.chunk, (0, ""))
        if (
            intent.epoch < epoch
            or intent.epoch < intent.newest_epoch
            or (intent.epoch == epoch != 0 and intent.owner != owner)
        ):
            found.append(f"I9: an intent of epoch {intent.epoch} for chunk {intent.chunk}, after epoch {epoch}")
        newest[intent.chunk] = (intent.epoch, intent.owner)
    return found


def _receipts(history: "History") -> list[str]:
    found = []
    bodies = Counter(body for _, _, body in history.store.inbox)
    unmatched = {(one.message_id, one.state) for one in history.store.receipts if one.applied_at is None}
    states = {"DELIVRD": 2, "UNDELIV": 5, "ENROUTE": 1}
    for told in history.smsc.receipts:
        if not told.is_acknowledged:
            continue
        submit = told.submit
        who = f"{submit.campaign}/{submit.recipient}.{submit.part} {told.word}"
        if not any(told.body.short_message in body for body in bodies):
            found.append(f"I6: {who} was acknowledged and is not in the inbox")
            continue
        message = history.store.messages[submit.campaign].get(submit.recipient)
        if told.word == "ENROUTE" or message is None:
            continue
        mask = message.delivered_mask if told.word == "DELIVRD" else message.failed_mask
        id_shown = told.body.short_message.decode()[3:].split(" ")[0]
        if not mask >> submit.part & 1 and (id_shown, states[told.word]) not in unmatched:
            found.append(f"I6: {who} was acknowledged, and neither applied nor kept")
    return found


def _doubts(history: "History") -> list[str]:
    found = []
    uncertain = {
        (campaign, recipient)
        for campaign, messages in history.store.messages.items()
        for recipient, message in messages.items()
        if message.state is S.UNCERTAIN
    }
    if len(uncertain) > history.allowed:
        found.append(f"I5: {len(uncertain)} are in doubt, and the faults explain {history.allowed}")
    for campaign, recipient in sorted(uncertain):
        submits = history.smsc.by_recipient.get((campaign, recipient), [])
        message = history.store.messages[campaign][recipient]
        # Who lost its lease may speak before its heir has put anything on record: then nobody takes it down.
        keeps_its_lease = not (history.plan.stop or history.plan.drag or history.plan.error)
        is_whole = message.parts == 1 and len(submits) == message.attempts
        if keeps_its_lease and is_whole and all(map(_was_heard, submits)):
            found.append(f"I5: {campaign}/{recipient} is in doubt, and somebody who lives on heard its answer")
    ever = {(one.campaign, one.recipient) for one in history.store.moves if one.becomes is S.UNCERTAIN}
    if history.plan.profile in CALM and ever:
        found.append(f"I5: {sorted(ever)} were in doubt, and nothing was lost")
    if set(history.store.doubts) != uncertain:
        found.append(f"I5: doubts {sorted(history.store.doubts)}, uncertain {sorted(uncertain)}")
    return found


def _was_heard(one: Submit) -> bool:
    return one.is_told and one.line.is_open and not one.line.is_mute


def _breaker(history: "History") -> list[str]:
    if not history.plan.is_refused:
        return []
    refused = sum(one.code == C.RINVSRCADR for one in history.smsc.submits)
    limit = history.started * (history.resumes + 1) * (BREAKER + history.plan.binds * history.plan.window)
    return [f"the breaker let {refused} through, and {limit} are due"] if refused > limit else []


def _pushes(history: "History") -> list[str]:
    """What was taken is there, once a key; and nothing is handed over after its own end."""
    found = []
    for campaign, pushes in history.store.pushes.items():
        keys = Counter(one.key for one in pushes if one.key is not None)
        found += [f"key {key} was taken {n} times" for key, n in keys.items() if n > 1]
        for phone, number in history.answered.items():
            if number >= len(pushes) or pushes[number].phone != phone:
                found.append(f"I3: the message to {phone} was taken as {number}, and is not there")
        for one in pushes:
            submits = history.smsc.by_recipient.get((campaign, one.recipient), [])
            end = one.expires_at and (one.expires_at - EPOCH).total_seconds() + STARTED + LATE
            late = [submit for submit in submits if end and submit.at > end]
            keeps_time = not (history.plan.stop or history.plan.drag)
            if late and keeps_time:
                found.append(f"{campaign}/{one.recipient} was handed over after its own end")
    return found


def _ends(history: "History", in_time: bool) -> list[str]:
    """I3: everybody is accounted for, once; and everything that can end has ended."""
    found = []
    for campaign in history.store.campaigns.values():
        chunks = history.store.of_campaign(campaign.pk)
        total = sum(chunk.count for chunk in chunks)
        totals = history.store.totals(campaign.pk)
        if sum(totals.values()) != total:
            found.append(f"I3: campaign {campaign.pk} has {total} recipients and counts {totals}")
        rows = Counter(message.state for message in history.store.messages[campaign.pk].values())
        tallies = {state: n for (pk, state), n in history.store.tallies.items() if pk == campaign.pk and n}
        if dict(rows) != tallies:
            found.append(f"I3: campaign {campaign.pk} has {rows} and counts {tallies}")
        if campaign.status not in FINISHED or any(chunk.status == ChunkStatus.OPEN for chunk in chunks):
            found.append(f"campaign {campaign.pk} is {campaign.status} and does not end: {chunks}")
        elif totals[Term.WAITING]:
            found.append(f"I3: campaign {campaign.pk} is {campaign.status} and {totals[Term.WAITING]} still wait")
        may_end_early = campaign.is_trigger and history.plan.profile == "refusing"  # with a retry that is not due yet
        if history.plan.profile in ("calm", "refusing") and campaign.status != Status.DONE and not may_end_early:
            found.append(f"campaign {campaign.pk} is {campaign.status} although nothing went wrong")
    if not in_time and not found:
        found.append("it does not come to rest")
    return found
