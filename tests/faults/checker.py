"""What must hold after every story, whatever happened in it: the carrier's journal held against the tables."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.db import connection

from campaigns import gsm
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery import inbox
from delivery.models import Chunk, Inbox, Intent, Message
from delivery.statuses import ChunkStatus, ErrorKind, MessageState
from delivery.whereabouts import normal
from reports import reconciliation
from simulator import journal
from smpp import receipts
from tests.live import Carrier, fresh

S = MessageState
TAKEN = {S.PENDING, S.DELIVERED, S.NO_RECEIPT}
NOT_TAKEN = {S.RETRY, S.EXPIRED, S.CANCELLED, S.SUPPRESSED}
CLOCKS_DIFFER = 0.005  # seconds between the clock of a journal and that of an intent, on one machine
LISTED = 5  # of each kind of difference


@dataclass(slots=True, kw_only=True)
class Findings:
    """Differences in words, each with the invariant that it breaks; none when everything holds."""

    problems: list[str] = field(default_factory=list)
    submits: int = 0
    accepted: int = 0
    doubled: int = 0
    lost: int = 0  # receipts that were acknowledged, and are not in the inbox
    uncertain: int = 0

    def add(self, rule: str, found: list[str]) -> None:
        self.problems += [f"{rule}: {one}" for one in found[:LISTED]]
        if len(found) > LISTED:
            self.problems.append(f"{rule}: and {len(found) - LISTED} more")


def check(campaign: Campaign, carrier: Carrier, *, clocks_agree: bool = True) -> Findings:
    """Call it when the campaign is quiet. It was the only one to its numbers on this carrier."""
    campaign = fresh(campaign)
    found = Findings()
    messages = {one.phone: one for one in Message.objects.filter(day=campaign.day, campaign_id=campaign.pk)}
    chunks = list(Chunk.objects.filter(campaign=campaign).order_by("first"))
    submits: dict[int, list[journal.Submit]] = defaultdict(list)
    for submit in carrier.submits:
        submits[int(submit.destination)].append(submit)
    found.submits, found.accepted = len(carrier.submits), len(carrier.accepted)
    found.uncertain = sum(one.state == S.UNCERTAIN for one in messages.values())

    taken = Counter((submit.destination, submit.content) for submit in carrier.accepted)
    doubled = [f"…{phone[-4:]} was accepted {n} times" for (phone, _), n in taken.items() if n > 1]
    found.doubled = sum(taken.values()) - len(taken)
    found.add("I1", doubled)
    found.add("I2", _states_and_journal(messages, submits))
    found.add("I3", reconciliation.differences(campaign) + _ends(campaign, chunks))
    found.add("I4", _intents_and_submits(messages, submits, chunks, clocks_agree=clocks_agree))
    found.add("I4", _what_was_said(campaign, carrier))
    found.lost = _lost_receipts(carrier)
    found.add("I6", [f"{found.lost} receipts were acknowledged and are not in the inbox"] if found.lost else [])
    found.add("I7", _changes_without_a_cause(messages, carrier))
    found.add("I8", _attempts(messages, submits))
    found.add("I9", _epochs(chunks))
    return found


def receipts_in_inbox(channel_id: int) -> Counter[str]:
    """How many receipts with each id are on record, by its normal form."""
    found: Counter[str] = Counter()
    for raw in Inbox.objects.filter(channel_id=channel_id).values_list("raw", flat=True).iterator():
        read = (receipts.parse(body) for _, body in inbox.read(bytes(raw)))
        found.update(normal(one.message_id) for one in read if one is not None)
    return found


def _states_and_journal(messages: dict[int, Message], submits: dict[int, list[journal.Submit]]) -> list[str]:
    found = []
    for phone, one in messages.items():
        count = len({submit.content for submit in submits.get(phone, ()) if submit.is_accepted})
        state = S(one.state)
        if state in TAKEN or (state is S.FAILED and one.error_kind == ErrorKind.RECEIPT):
            right = count == one.parts
        elif state in NOT_TAKEN:
            right = count == 0
        elif state is S.FAILED:
            right = count < one.parts
        else:
            right = count <= one.parts
        if not right:
            found.append(
                f"recipient {one.recipient} is {state.name}, and the carrier took {count} of {one.parts} parts"
            )
    strangers = submits.keys() - messages.keys()
    return found + [f"…{phone % 10_000} was submitted, and has no row" for phone in strangers]


def _ends(campaign: Campaign, chunks: list[Chunk]) -> list[str]:
    found = [f"chunk {one.number} is done with {one.unresolved} open" for one in chunks if _is_done_too_early(one)]
    if campaign.status in FINISHED:
        found += [f"chunk {one.number} is open, and its campaign is over" for one in chunks if one.status == "open"]
    return found


def _is_done_too_early(chunk: Chunk) -> bool:
    return chunk.status == ChunkStatus.DONE and bool(chunk.unresolved or chunk.next < chunk.count)


def _intents_and_submits(
    messages: dict[int, Message],
    submits: dict[int, list[journal.Submit]],
    chunks: list[Chunk],
    *,
    clocks_agree: bool,
) -> list[str]:
    """Each time that a recipient was submitted there was an intent that covers it, one for each time."""
    fresh_ones: dict[int, list[Intent]] = defaultdict(list)
    retries: dict[int, list[Intent]] = defaultdict(list)
    for intent in Intent.objects.filter(chunk__in=chunks).order_by("id"):
        (retries if intent.is_retry else fresh_ones)[intent.chunk_id].append(intent)
    found = []
    for phone, given in submits.items():
        one = messages.get(phone)
        if one is None:
            continue  # said by I2
        chunk = next(chunk for chunk in chunks if chunk.first <= one.recipient < chunk.first + chunk.count)
        index = one.recipient - chunk.first
        times: dict[str, list[float]] = defaultdict(list)
        for submit in given:
            times[submit.content].append(submit.at)
        first = [at for part in times.values() for at in part[:1]]
        covering = [
            intent.at.timestamp()
            for intent in fresh_ones[chunk.pk]
            if intent.first <= index < intent.first + intent.count
        ]
        latest = min(first) + CLOCKS_DIFFER if clocks_agree else float("inf")
        if not any(at <= latest for at in covering):
            found.append(f"recipient {one.recipient} was submitted without an intent before it")
        for part in times.values():
            for number, at in enumerate(part[1:], start=1):
                until = at + CLOCKS_DIFFER if clocks_agree else float("inf")
                again = [i for i in retries[chunk.pk] if i.first <= index and i.at.timestamp() <= until]
                if len(again) + len(covering) <= number:
                    found.append(f"recipient {one.recipient} was submitted {number + 1} times with fewer intents")
    return found


def _what_was_said(campaign: Campaign, carrier: Carrier) -> list[str]:
    """The approved text and sender, and nothing else; of a text of several parts only how many there are."""
    said = {submit.content for submit in carrier.submits}
    encoding, texts = gsm.measure(campaign.text).encoding, gsm.split(campaign.text)
    found = []
    if len(texts) == 1 and said - {journal.content(gsm.encode_part(texts[0], encoding))}:
        found.append("something else than the approved text was submitted")
    if len(said) > len(texts):
        found.append(f"{len(said)} different texts were submitted, {len(texts)} were approved")
    senders = {submit.source for submit in carrier.submits} - {campaign.revision.saddr}
    return found + [f"submitted from {sender}" for sender in senders]


def _lost_receipts(carrier: Carrier) -> int:
    acknowledged = Counter(
        normal(entry.message_id)
        for entry in carrier.entries
        if isinstance(entry, journal.Ack) and not entry.status and entry.message_id
    )
    return (acknowledged - receipts_in_inbox(carrier.channel.pk)).total()


def _changes_without_a_cause(messages: dict[int, Message], carrier: Carrier) -> list[str]:
    """Whoever a receipt ended has one, acknowledged or on its way to be."""
    reported = sum(
        one.state == S.DELIVERED or (one.state == S.FAILED and one.error_kind == ErrorKind.RECEIPT)
        for one in messages.values()
    )
    in_inbox = receipts_in_inbox(carrier.channel.pk)
    return [f"{reported} recipients reported, {len(in_inbox)} receipts"] if reported > len(in_inbox) else []


def _attempts(messages: dict[int, Message], submits: dict[int, list[journal.Submit]]) -> list[str]:
    """Handed over again only after an explicit refusal of the time before, and each time counted."""
    found = []
    for phone, given in submits.items():
        by_part: dict[str, list[journal.Submit]] = defaultdict(list)
        for submit in given:
            by_part[submit.content].append(submit)
        for part in by_part.values():
            if any(submit.is_accepted for submit in part[:-1]):
                found.append(f"…{phone % 10_000} was submitted again after it had been accepted")
            one = messages.get(phone)
            if one is not None and one.attempts < len(part):
                found.append(f"recipient {one.recipient}: {one.attempts} attempts on record, {len(part)} were made")
    return found


_EPOCHS = """
WITH numbered AS (
    SELECT chunk_id, epoch, owner, max(epoch) OVER (PARTITION BY chunk_id ORDER BY id) AS newest
    FROM delivery_intent WHERE chunk_id = ANY(%s)
)
SELECT 'an intent of an epoch that was over', chunk_id FROM numbered WHERE epoch < newest
UNION ALL
SELECT 'two owners in one epoch', chunk_id FROM numbered GROUP BY chunk_id, epoch HAVING count(DISTINCT owner) > 1
"""


def _epochs(chunks: list[Chunk]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_EPOCHS, [[chunk.pk for chunk in chunks]])
        return [f"chunk {chunk}: {what}" for what, chunk in cursor.fetchall()]
