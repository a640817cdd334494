"""What reconciliation says in English in the sample of an incident, said again by `audit.wording` on a page."""

from django.utils.translation import gettext_noop as _

from audit.wording import stored

# What a counter says beside what is there. The first is looked for first: the second would fit it, too.
FAILED_WITH = stored(_("failed with code %(code)s: the tally says %(counted)s, there are %(there)s messages"))
IN_STATE = stored(_("%(state)s: the tally says %(counted)s, there are %(there)s messages"))
HANDED_OVER = stored(
    _("chunk %(number)s: it says %(counted)s are handed over, there are %(there)s messages"),
)
UNRESOLVED = stored(_("chunk %(number)s: it says %(counted)s are unresolved, there are %(there)s such messages"))
AHEAD = stored(_("chunk %(number)s: %(there)s messages belong to recipients that it says are waiting"))
RECIPIENTS = stored(_("the list has %(counted)s recipients, the chunks have %(there)s"))
ROWS = stored(_("the rows of the file do not add up: %(rows)s rows, %(counted)s counted"))
EQUATION = stored(_("the equation does not balance: %(accepted)s accepted, %(counted)s counted, %(waiting)s waiting"))
NOT_OVER = stored(_("it is done, and %(n)s recipients wait"))

# What cannot be, whatever happened.
TAKEN = stored(_("%(n)s messages are called taken by the carrier, and not all of their parts were"))
DELIVERED = stored(_("%(n)s messages are called delivered, and not all of their parts were"))
FAILED = stored(_("%(n)s messages are called failed for no reason"))
UNSENT = stored(_("%(n)s messages are called unsent, and the carrier took a part of them"))
STRANGE_RECEIPT = stored(
    _("%(n)s messages have a receipt for a part that nobody took, or a part that they do not have")
)
WITHOUT_DOUBT = stored(_("%(n)s messages in doubt are missing from the list of doubts"))
WITHOUT_INTENT = stored(_("%(n)s messages were handed over without an intent"))
TOO_OFTEN = stored(_("%(n)s messages were tried more often than intended"))
NEVER_TRIED = stored(_("%(n)s messages were never tried, and are neither suppressed nor in doubt"))
ODD_DOUBTS = stored(_("%(n)s doubts are of messages that are in none"))
ODD_EPOCHS = stored(_("%(n)s intents of chunk %(number)s are of an epoch before others, or of one to come"))
ODD_OWNERS = stored(_("%(n)s intents of chunk %(number)s have another owner than their epoch"))
NOT_SHOWN = stored(_("%(n)s receipts are called applied, and their messages do not show it"))
