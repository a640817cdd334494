"""The form of a part of a page, asked again on a page of its own: what was typed, and beside it what is wrong."""

from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render

from accounts.requests import PageRequest


def again(request: PageRequest, form: BaseForm, *, title: str, button: str, back: str) -> HttpResponse:
    """`back` is the page that the part is of."""
    context = {"form": form, "title": title, "button": button, "back": back}
    return render(request, "ask_again.html", context, status=400)
