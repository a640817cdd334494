"""What the desk says, it says in the language of whoever reads it: what is the same in three languages is data."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import timezone

from delivery import halting
from delivery.models import Chunk, Halt
from delivery.statuses import ChunkStatus, HaltKind
from moderation.models import BlockedTerm, CannedReason
from recipients.models import Suppression, SuppressionImport
from tests import factories
from tests.config.desk import REGISTERS
from tests.config.test_desk_roles import address, buttons, rows_of
from tests.filled import fill
from tests.pages import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

# Names, and words that are spelled alike.
ALIKE = {
    *("Message Center", "English", "Oʻzbekcha", "Redis", "UTC", "ASCII", "ISO 8859-1", "TLS", "TPS", "TON", "NPI"),
    *("TON / NPI", "TLS CA", "Email", "Moderator", "md5", "manage.py release_restore", "Port", "Transceiver", "STOP"),
}
UNREAD = {"script", "style", "textarea", "code"}
READ_ALOUD = {"alt", "aria-label", "placeholder", "title"}
DATA = re.compile(
    r"[\d.,:/×+ ]*[a-f0-9-]{12,}|[\w:]+(, [\w:]+)+|(.+ \()?\S+@\S+"
    r"|[a-z0-9_]+([/.]\S+)+|\S*\*{4,}|mc_\S+|.+ ×\d+"
    r"|.*\b\d{1,2} (Mar|Apr|May) \d{4}\b.*"  # as Uzbek writes them, too
)


class Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()
        self._unread = 0

    def handle_starttag(self, tag, attrs):
        self._unread += tag in UNREAD
        given = dict(attrs)
        for name in READ_ALOUD | ({"value"} if given.get("type") in {"submit", "button"} else set()):
            self._note(given.get(name) or "")

    def handle_endtag(self, tag):
        self._unread -= tag in UNREAD

    def handle_data(self, data):
        if not self._unread:
            self._note(data)

    def _note(self, text):
        plain = " ".join(text.split()).removeprefix("› ").removesuffix(" · Message Center").rstrip(":")
        if re.search("[A-Za-z]{2}", plain):
            self.found.add(plain)


def texts(page):
    reader = Texts()
    reader.feed(page.content.decode())
    return reader.found


def data():
    """Whatever somebody typed or a row is called."""
    rooms = [room for room in apps.get_app_configs() if Path(room.path).parent == settings.ROOT]
    said = set()
    for model in (model for room in rooms for model in room.get_models()):
        for row in model._default_manager.all()[:500]:
            fields = (str(getattr(row, field.attname)) for field in model._meta.concrete_fields)
            said |= {" ".join(text.split()) for text in (str(row), *fields)}
    return said


@pytest.fixture
def addresses(workspace):
    """Every register with something in it, and a row of each in all its views."""
    filled = fill(workspace)
    campaigns = filled.campaigns
    Chunk.objects.filter(campaign=campaigns["done"]).update(status=ChunkStatus.QUARANTINED)
    halting.stop(HaltKind.EMERGENCY, reason="Wrong prices.", by=filled.operator, now=timezone.now())
    rows = {
        **rows_of(workspace),
        "accounts.user": filled.author.pk,
        "channels.channel": campaigns["sending"].channel_id,
        "channels.route": factories.route("both", {campaigns["sending"].channel: 1}).pk,
        "recipients.suppression": Suppression.objects.earliest("pk").pk,
        "recipients.suppressionimport": SuppressionImport.objects.earliest("pk").pk,
        "moderation.cannedreason": CannedReason.objects.create(language="en", text="Shop?", workspace=workspace).pk,
        "moderation.blockedterm": BlockedTerm.objects.create(term="dice", workspace=workspace).pk,
        "delivery.halt": Halt.objects.get().pk,
    }
    bases = {label: f"/admin/{label.replace('.', '/')}/" for label in REGISTERS}
    found = ["/admin/", *bases.values(), *(f"{base}add/" for base in bases.values())]
    found += [address(route, rows.get(".".join(route.split("/")[:2]))) for route in buttons().values()]
    found += [f"{bases[label]}{pk}/{view}/" for label, pk in rows.items() for view in ("change", "history", "delete")]
    return filled.operator, found


def test_no_word_of_the_desk_is_left_in_english(addresses, workspace):
    operator, every = addresses
    browser = signed_in(operator, workspace)
    browser.raise_request_exception = False
    said = {page: [] for page in every}
    for language in ("en", "ru", "uz"):
        operator.language = language
        operator.save()
        for page in every:
            answer = browser.get(page)
            is_page = answer.status_code == 200 and not answer.streaming
            said[page].append(texts(answer) if is_page else set())
    known = ALIKE | data()
    left = {}
    for page, (english, *others) in said.items():
        for one in english & set.union(*others):
            if one not in known and not DATA.fullmatch(one):
                left.setdefault(one, page)
    assert left == {}, "\n".join(f"{text!r} at {page}" for text, page in sorted(left.items()))
    assert sum(bool(english) for english, *_ in said.values()) > len(REGISTERS) * 2
