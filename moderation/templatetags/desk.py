"""What waits and what is wrong, for the first page of the desk."""

from typing import Any

from django import template
from django.utils import timezone

from moderation import standing as standings
from moderation.standing import Standing

register = template.Library()


@register.simple_tag(takes_context=True)
def standing(context: Any) -> Standing:
    return standings.standing(context["request"].user, now=timezone.now())
