"""How a form says itself on its page, as its reader sees it: the labels of its fields, and what was chosen in words."""

import logging
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.urls import resolve

from accounts.unsent import Form
from audit.refusal import Refused

logger = logging.getLogger(__name__)

UNSEEN = {"hidden", "submit", "button", "image", "reset", "file", "password"}
EMPTY = {"input", "br", "img", "hr", "meta", "link", "source", "wbr"}  # they have no end


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    page: str  # its title, empty when the form is nowhere
    button: str  # that was pressed
    fields: list[Field]


def said(request: HttpRequest, form: Form) -> Said:
    """What was filled in, in the order of the page. A field that is not there any more is called what the form calls
    it; of a form that is nowhere, every one is."""
    page = next(filter(None, (_on(request, address, form) for address in (form.page, form.path))), None)
    found: dict[str, list[str]] = {}
    for name, value in form.fields:
        if name != "next" and value.strip() and not (page and name in page.unseen):
            found.setdefault(name, []).append(page.chosen.get((name, value), value) if page else value)
    order = list(page.labels) if page else []
    names = sorted(found, key=lambda name: order.index(name) if name in order else len(order))
    labels = page.labels if page else {}
    fields = [
        Field(label=labels.get(name) or name.replace("_", " ").capitalize(), text=", ".join(found[name]))
        for name in names
    ]
    return Said(page=page.title if page else "", button=page.pressed(form) if page else "", fields=fields)


def _on(request: HttpRequest, address: str, form: Form) -> "_Form | None":
    """The form of that address on a page, with most of the fields that were sent."""
    names = {name for name, _ in form.fields}
    reader = _Reader()
    reader.feed(_page(request, address))
    path = urlsplit(form.path).path
    there = [one for one in reader.told() if urlsplit(urljoin(address, one.action or address)).path == path]
    return max(there, key=lambda one: len(names & {*one.labels, *one.unseen}), default=None)


def _page(request: HttpRequest, address: str) -> str:
    """As it is shown to whoever asks, or nothing where they would not see one."""
    path, query = urlsplit(address).path, urlsplit(address).query
    asked: Any = copy(request)
    asked.method, asked.path, asked.path_info, asked.GET = "GET", path, path, QueryDict(query)
    asked.META = {**request.META, "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}
    try:
        asked.resolver_match = match = resolve(path)
        answer = match.func(asked, *match.args, **match.kwargs)
        if hasattr(answer, "render"):
            answer.render()
    except (Http404, PermissionDenied, Refused):
        return ""
    except Exception:  # whatever is wrong with that page, what was typed is not lost with it
        logger.exception("the page of a form that waits cannot be shown: %s", path)
        return ""
    is_page = answer.status_code == 200 and answer.get("Content-Type", "").startswith("text/html")
    return answer.content.decode() if is_page and not answer.streaming else ""


@dataclass(slots=True)
class _Form:
    action: str
    title: str
    buttons: list[tuple[tuple[str, str], str]] = field(default_factory=list)  # name and value, and what stands on it
    labels: dict[str, str] = field(default_factory=dict)  # by the name of what is seen
    chosen: dict[tuple[str, str], str] = field(default_factory=dict)  # by name and value
    unseen: set[str] = field(default_factory=set)

    def pressed(self, form: Form) -> str:
        """Without a name of its own, a button is not sent along."""
        sent = [words for what, words in self.buttons if what in form.fields]
        return next(iter(sent or [words for (name, _), words in self.buttons if not name]), "")


@dataclass(slots=True)
class _Control:
    form: str | int
    tag: str
    name: str
    kind: str
    id: str
    value: str
    within: "_Text | None"  # a label around it
    legend: "_Text | None"
    options: list[tuple[str, "_Text"]] = field(default_factory=list)
    words: "_Text | None" = None  # of a button


@dataclass(slots=True)
class _Text:
    """The first words of it: what follows is an explanation."""

    of: str = ""
    words: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str | int, str] = {}  # to their addresses
        self.controls: list[_Control] = []
        self.labels: list[_Text] = []
        self.title = _Text()
        self.open: list[tuple[str, Any]] = []  # elements around the place, with what they are to us

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        this: Any = None
        if tag == "form":
            this = told.get("id") or len(self.forms)
            self.forms[this] = told.get("action", "")
        elif tag in {"label", "legend"}:
            this = _Text(of=told.get("for", ""))
            if tag == "label":
                self.labels.append(this)
            elif fieldset := self._around("fieldset"):
                fieldset.append(this)
        elif tag == "fieldset":
            this = []
        elif tag in {"input", "select", "textarea", "button"}:
            this = self._control(tag, told)
            self.controls.append(this)
        elif tag == "title":
            this = self.title
        elif tag == "option" and (select := self._around("select")):
            this = _Text()
            select.options.append((told.get("value", ""), this))
        if tag not in EMPTY:
            self.open.append((tag, this))

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _ in self.open):
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        for _, this in self.open:
            text = this.words if isinstance(this, _Control) else this
            if words and isinstance(text, _Text) and not text.words:
                text.words = words.removesuffix(":")

    def told(self) -> Iterator[_Form]:
        for key, action in self.forms.items():
            form = _Form(action, self.title.words.removesuffix("· Message Center").strip())
            for control in self.controls:
                if control.form == key:
                    self._tell(form, control)
            yield form

    def _tell(self, form: _Form, control: _Control) -> None:
        if (control.tag == "button" and control.kind != "button") or control.kind == "submit":
            words = control.words.words if control.words else control.value
            form.buttons.append(((control.name, control.value), words))
        if control.tag == "button" or control.kind in UNSEEN:
            form.unseen.add(control.name)
            return
        labels = [control.within, *(label for label in self.labels if label.of and label.of == control.id)]
        words = next((label.words for label in labels if label and label.words), "")
        of_group = control.legend.words if control.legend else ""
        if control.kind in {"radio", "checkbox"}:
            form.chosen[control.name, control.value] = words
            words = of_group or words
        form.labels.setdefault(control.name, words)
        for value, text in control.options:
            form.chosen[control.name, value] = text.words

    def _control(self, tag: str, told: dict[str, str]) -> _Control:
        legends = self._around("fieldset") or [None]
        around = self._around("form")
        return _Control(
            form=told.get("form") or (around if around is not None else ""),
            tag=tag,
            name=told.get("name", ""),
            kind=told.get("type", ""),
            id=told.get("id", ""),
            value=told.get("value", "on" if tag == "input" else ""),
            words=_Text() if tag == "button" else None,
            within=self._around("label"),
            legend=legends[0],
        )

    def _around(self, tag: str) -> Any:
        return next((this for name, this in reversed(self.open) if name == tag and this is not None), None)
