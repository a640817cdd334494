"""What `manage.py check --deploy` says of signing in."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def check_second_step(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if settings.SECOND_STEP_REQUIRED_FOR:
        return []
    return [
        Warning(
            "SECOND_STEP_REQUIRED_FOR is empty: whoever learns a moderator's password can approve a campaign.",
            hint="Set it to moderator,admin,super admin, or to some of them.",
            id="accounts.W001",
        )
    ]
