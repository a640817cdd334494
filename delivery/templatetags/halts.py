"""Whether everything is stopped, for every page of the desk."""

from django import template

from delivery import halting

register = template.Library()
register.simple_tag(halting.in_force, name="halts_in_force")
