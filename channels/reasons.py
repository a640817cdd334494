"""Why a breaker paused a campaign, and what a test of a bind was answered, as the row keeps it: said again by
`audit.wording` on a page."""

from django.utils.translation import gettext_noop as _

from audit.wording import stored
from smpp import status

ONE_ANSWER = stored(_("The carrier answered %(name)s: %(text)s"))
IN_A_ROW = stored(_("The carrier refused %(count)s messages in a row, the last with %(name)s."))
MANY_OF_THE_LAST = stored(_("The carrier refused %(count)s of the last %(of)s messages, the last with %(name)s."))
NEEDS_A_LOOK = stored(_("%(count)s of the last %(of)s answers were %(name)s: the list needs a look."))

# Of a test of a bind.
BOUND = stored(_("The bind was accepted, after %(took)s ms."))
REFUSED = stored(_("Refused: %(name)s (%(code)s). %(text)s"))
NOT_TRIED = stored(_("Not tried: %(trouble)s"))
NOT_SECURE = stored(_("No secure connection to %(address)s: %(trouble)s."))
NOT_IN_TIME = stored(_("%(address)s did not answer in time."))
NO_CONNECTION = stored(_("No connection to %(address)s: %(trouble)s."))
NOT_SMPP = stored(_("What answers at %(address)s does not speak SMPP: %(trouble)s."))
CUT = stored(_("The carrier cut the connection instead of answering the bind."))

for _text in (*status.TEXTS.values(), status.OF_ITS_OWN, status.UNKNOWN):  # what ONE_ANSWER and REFUSED quote
    stored(_text)
