"""Why a breaker paused a campaign, as the row keeps it: said again by `audit.wording` on a page."""

from django.utils.translation import gettext_noop as _

from audit.wording import stored
from smpp import status

ONE_ANSWER = stored(_("The carrier answered %(name)s: %(text)s"))
IN_A_ROW = stored(_("The carrier refused %(count)s messages in a row, the last with %(name)s."))
MANY_OF_THE_LAST = stored(_("The carrier refused %(count)s of the last %(of)s messages, the last with %(name)s."))
NEEDS_A_LOOK = stored(_("%(count)s of the last %(of)s answers were %(name)s: the list needs a look."))

for _text in (*status.TEXTS.values(), status.OF_ITS_OWN, status.UNKNOWN):  # what ONE_ANSWER quotes
    stored(_text)
