"""The words that end it: by writing one of them a recipient opts out of a workspace's messages."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.ledger import record
from audit.refusal import Refused
from recipients.models import StopWords

LONGEST = 40
MOST = 200
DEFAULTS = (
    *("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL"),
    *("СТОП", "ОТПИСАТЬСЯ", "ОТПИСКА", "ОТПИШИТЕ", "ОТМЕНА"),
    *("TO'XTAT", "TO'XTATING", "TO'XTATISH", "BEKOR"),
    *("ТЎХТАТ", "ТЎХТАТИНГ", "ТЎХТАТИШ", "БЕКОР"),
)

# As phones write the apostrophe of o' and g', which may as well be left out.
_APOSTROPHES = re.compile("['`´ʹʻʼʽˈ‘’‛′＇]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_WORD = re.compile(r"[^\W_]+")


def of(workspace: Workspace) -> list[str]:
    return of_each([workspace.pk])[workspace.pk]


def of_each(workspace_ids: Iterable[int]) -> Mapping[int, list[str]]:
    wanted = list(workspace_ids)
    own = dict(StopWords.objects.filter(workspace__in=wanted).values_list("workspace", "words"))
    return {pk: own.get(pk, list(DEFAULTS)) for pk in wanted}


@transaction.atomic
def save(workspace: Workspace, words: Sequence[str], *, by: User) -> list[str]:
    """These are the workspace's words from now on, each once; raises Refused when there is none."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    kept = _checked(words)
    before = of(workspace)
    if kept != before:
        row, _ = StopWords.objects.update_or_create(workspace=workspace, defaults={"words": kept})
        record("stopwords.changed", row, by=by, before={"words": before}, after={"words": kept})
    return kept


def matched(text: str, words: Iterable[str]) -> str:
    """The word that the text is, or begins with; empty when it is none of them."""
    said = _spoken(text)
    if not said:
        return ""
    first = said.partition(" ")[0]
    return next((word for word in words if _spoken(word) in (said, first)), "")


def _checked(words: Sequence[str]) -> list[str]:
    kept: dict[str, str] = {}
    for word in (word.strip() for word in words):
        if len(word) > LONGEST:
            raise Refused(
                _("“%(word)s…” is longer than %(longest)s characters.") % {"word": word[:LONGEST], "longest": LONGEST},
                code="stop_word_too_long",
            )
        if said := _spoken(word):
            kept.setdefault(said, word)
        elif word:
            raise Refused(_("“%(word)s” has no letter or digit to know it by.") % {"word": word}, code="bad_stop_word")
    if not kept:
        raise Refused(_("Keep at least one word: recipients must be able to opt out."), code="stop_words_missing")
    if len(kept) > MOST:
        raise Refused(
            _("%(len)s words are more than %(most)s.") % {"len": len(kept), "most": MOST}, code="too_many_stop_words"
        )
    return list(kept.values())


def _spoken(text: str) -> str:
    """Words in one spelling, with a blank between: no case, no punctuation, no apostrophes, no compatibility forms."""
    plain = _APOSTROPHES.sub("", text)  # before NFKC, which makes a blank and a mark of an acute accent
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", plain))
    folded = unicodedata.normalize("NFKC", _APOSTROPHES.sub("", plain).casefold())
    return " ".join(_WORD.findall(folded))
