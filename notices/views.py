"""What goes on right now, for the bar of an open page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import signing_in

STOP_POLLING = 286  # htmx's own


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """A session that has ended is said in the bar: nobody is taken from a page on which they are typing."""
    if request.user.is_authenticated:
        return render(request, "notices/_live.html")
    context = {"back": signing_in.came_from(request)}
    return render(request, "notices/_signed_out.html", context, status=STOP_POLLING)
