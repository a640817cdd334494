"""The Django admin as the staff's desk: same site, our name on it."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest


class StaffSite(AdminSite):
    site_header = site_title = "Message Center"
    index_title = "Staff desk"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)


class StaffConfig(AdminConfig):
    default_site = "config.staff.StaffSite"
