"""A campaign on its way, chunk by chunk and answer by answer, without a socket."""

from datetime import timedelta

import numpy as np
from django.conf import settings
from django.utils import timezone

from delivery import doubts, due, intents, receipts, results
from delivery.batches import DOUBT, Batch
from delivery.id_bases import bases
from delivery.inbox import Arrival
from delivery.links import engine
from delivery.models import Chunk
from delivery.texts import Same
from delivery.whereabouts import whereabouts
from smpp.pdu import HEADER, DeliverSm, encode
from tests import factories
from tests.live import wait_for

ME = "host:1"


def under_way(workspace, count=4, *, chunk_size=10, **given):
    """A campaign that the clock has started, and its chunks."""
    given.setdefault("list", factories.ready_list(workspace, count, chunk_size=chunk_size))
    campaign = factories.approved(workspace, **given)
    due.tick(now=timezone.now())
    campaign.refresh_from_db()
    return campaign, list(Chunk.objects.filter(campaign=campaign).order_by("number"))


def claim(chunk, owner=ME, *, now=None):
    return Chunk.objects.claim(chunk.pk, owner, now=now or timezone.now())


def phones_of(chunk):
    return (factories.FIRST_NUMBER + chunk.first + np.arange(chunk.count)).astype(np.uint64)


def batch_of(chunk, chosen, answers, *, parts=1, is_retry=False, template=None):
    """A batch as the links give it back; an answer too few is a recipient that was given back."""
    recipients = chunk.first + np.array(chosen)
    phones = (factories.FIRST_NUMBER + recipients).astype(np.uint64)
    batch = Batch(
        campaign_id=chunk.campaign_id,
        channel_id=chunk.campaign.channel_id,
        chunk_id=chunk.pk,
        day=chunk.campaign.day,
        recipients=recipients,
        phones=phones,
        wire=Same((template,) * parts, phones, cost=1, plus=False),
        send_by=0.0,
        intended_at=timezone.now(),
        is_retry=is_retry,
    )
    if is_retry:
        batch.attempts = np.full(len(recipients), 2)
    told = [(unit, *given) for unit, given in enumerate(answers) if given is not None]
    if told:
        units, codes, ids = zip(*told, strict=True)
        batch.take(np.array(units), np.array(codes), np.array(ids))
    batch.next_unit = len(answers)
    return batch


def choose(chunk, count, *, seal=None, now=None):
    """What the intent for the next `count` recipients of a claimed chunk says."""
    chunk.refresh_from_db(fields=["next"])
    phones = phones_of(chunk)[chunk.next : chunk.next + count]
    return intend_for(chunk, phones, seal=seal, now=now)


def intend_for(chunk, phones, *, seal=None, now=None):
    return intents.intend(
        chunk,
        phones,
        seal=chunk.campaign.seal if seal is None else seal,
        channel_id=chunk.campaign.channel_id,
        now=now or timezone.now(),
    )


def choose_retries(chunk, count, *, now):
    campaign = chunk.campaign
    return intents.intend_retries(chunk, count, seal=campaign.seal, channel_id=campaign.channel_id, now=now)


def intend(chunk, count, **given):
    """The indexes that it covers; None when it is refused."""
    chosen = choose(chunk, count, **given)
    return chosen and chosen.indexes


def send(chunk, answers, *, parts=1, seal=None, now=None):
    """Claimed chunk: intend as many recipients as there are answers, and store them."""
    chosen = intend(chunk, len(answers) // parts, seal=seal, now=now)
    assert chosen is not None
    return results.store(batch_of(chunk, chosen, answers, parts=parts), chunk, now=now or timezone.now())


def settle(chunk, *, parts=1, overdue_by=timedelta(0)):
    before = timezone.now() - timedelta(seconds=settings.RESPONSE_TIMEOUT) + overdue_by
    return doubts.settle(
        chunk, phones_of(chunk), parts=lambda some: [parts] * len(some), overdue=before, now=timezone.now()
    )


def forget():
    """Another process: nothing is known in memory."""
    whereabouts.forget()
    bases.forget()


def arrive(channel_id, *bodies, at=None, **given):
    """What the carrier is answered."""
    pdus = list(enumerate(bodies, 1))
    return receipts.take_in([Arrival(channel_id=channel_id, at=at or timezone.now(), pdus=pdus, **given)])


def receipt(message_id, phone, stat="DELIVRD", err="000"):
    """The body of a deliver_sm, with a customer's text that pretends to be a receipt."""
    text = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2611271000 done date:2611271001 stat:{stat} err:{err}"
        " text:id:999 stat:UNDELIV"
    )
    pdu = DeliverSm(source_addr=str(phone).encode(), esm_class=4, short_message=text.encode(), sequence=1)
    return encode(pdu)[HEADER.size :]


DOUBTED = (DOUBT, b"")


def bound(channel):
    wait_for(lambda: engine.is_bound(channel.pk))


def late(chunk, recipient, answer):
    """What the links say of an answer that came after its batch had gone back."""
    code, message_id = answer
    return batch_of(chunk, [recipient], [answer]), np.array([0]), np.array([code]), np.array([message_id])
