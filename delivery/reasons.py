"""What the system says in English in a row: why it stopped a campaign or kept a chunk back, and what an incident was.

Each is said again to whoever reads it, by `audit.wording`.
"""

from django.utils.translation import gettext_noop as _

from audit.wording import stored
from objects import trouble

CONTENT_DIFFERS = stored(_("Its content differs from what was approved."))
LIST_NOT_READY = stored(_("Its list is not ready."))
LIST_DIFFERS = stored(_("Its list differs from what was approved."))
SENDER_NOT_APPROVED = stored(_("Its sender “%(sender)s” is not approved any more."))
FOREIGN_LETTER = stored(_("The channel “%(channel)s” has no “%(letter)s” in its alphabet."))
RESTORED_PAUSED = stored(
    _(
        "The database was restored to an earlier point: whoever has no result may have got the message since. "
        "An operator has to release it."
    )
)
RESTORED_FAILED = stored(
    _(
        "It was due when the database was restored to an earlier point: it may have been sent since. "
        "Ask an operator before you send it as a new campaign."
    )
)
CHUNK_FAILED = stored(_("Chunk %(number)s: %(trouble)s, %(times)s times in a row."))

FORGOTTEN = stored(_("The database has forgotten intents that it had."))
ANOTHER_DATABASE = stored(_("This is another database than the one that was sent from."))

ALL_HANDED_OVER = stored(_("Everything had been handed over when its deadline passed."))
TIME_PASSED = stored(_("Its time had passed when it was to start."))
DAY_LIMIT = stored(_("The workspace’s limit for a day is reached: %(parts)s parts."))
MONTH_LIMIT = stored(_("The workspace’s limit for a month is reached: %(parts)s parts."))
STOP_WORD = stored(_("Answered with a stop word."))

THAWED = stored(_("Released: %(chunks)s chunks; in doubt: %(uncertain)s recipients."))

# Of incidents.
LOOK_FAILED = stored(_("A look at chunk %(number)s ended with %(trouble)s."))
QUARANTINED = stored(_("Quarantined: %(why)s"))
FROZEN = stored(_("Frozen: %(chunks)s chunks; paused: %(paused)s campaigns; failed: %(failed)s. %(why)s"))
NOT_BALANCED = stored(
    _("%(campaign)s does not balance: %(accepted)s accepted, %(counted)s counted, %(waiting)s waiting.")
)
COUNTERS_DIFFER = stored(_("Counters and messages differ: %(found)s"))
BARRED = stored(_("Numbers where the workspace does not allow any message were passed over."))
ANSWERS_NOT_STORED = stored(_("Answers of the carrier could not be stored at once."))
RECEIPTS_NOT_STORED = stored(_("Receipts were not stored; the carrier keeps them."))
RECEIPTS_CONTRADICT = stored(_("Receipts say one thing in their parameters and another in their text."))
OTHER_IDS = stored(_("Receipts write their ids otherwise than learnt: %(how)s."))
PASSWORD_LOCKED = stored(_("Its password does not decrypt: not opened."))
WITHOUT_REDIS = stored(_("The rate is kept without Redis: %(why)s."))
LATE_REDIS = stored(_("every answer was late"))

# Of one bind: what it says of itself stands in BIND with its name before it.
BIND = stored(_("Bind %(link)s: %(what)s"))
NO_CONNECTION = stored(_("no connection in time"))
NOBODY_LISTENS = stored(_("nobody listens at that address and port"))
NO_SUCH_HOST = stored(_("the name of the host is not known"))
NOT_TRUSTED = stored(_("the certificates do not fit: %(why)s"))
NOT_CONNECTED = stored(_("the connection failed: %(why)s"))
BIND_UNANSWERED = stored(_("no answer to the bind"))
CUT_WHILE_BINDING = stored(_("cut while binding"))
BIND_REFUSED = stored(_("the bind is refused with %(name)s. %(text)s"))
CUT = stored(_("the connection was cut with %(count)s unanswered"))
NO_RESPONSE = stored(_("no response within %(seconds)s s"))
INCOMPLETE = stored(_("a PDU stayed incomplete"))
ENQUIRY_UNANSWERED = stored(_("enquire_link stayed unanswered"))
QUEUE_FULL = stored(_("refused for the moment, as the queue is full"))
THROTTLED = stored(_("sends slower: waits %(seconds)s s"))
CONGESTED = stored(_("congestion of %(percent)s %%: waits %(seconds)s s"))
BINDS_AGAIN = stored(_("binds again after %(name)s"))
SWITCHED_OFF = stored(_("switched off after %(name)s, until the channel is changed"))
NACK = stored(_("generic_nack %(name)s for an unknown sequence"))
NOT_SMPP = stored(_("what came is not as SMPP says: %(what)s"))

# What comes is no SMPP, in the words of `smpp`, which knows no catalogue.
stored(_("shorter than a header"))
stored(_("command_length is wrong"))
stored(_("command_length is out of bounds"))
stored(_("command_id %(command)s is unknown"))
stored(_("%(pdu)s: the body ends early"))
stored(_("%(pdu)s: a string has no end"))
stored(_("%(pdu)s: sm_length is larger than the body"))
stored(_("%(peer)s may not send %(pdu)s when %(state)s"))

for _sentence in trouble.SENTENCES:
    stored(_sentence)
