"""One of each thing that has an address, in a workspace: the ground of the walks over every address.

Whoever adds an address adds the thing that it shows; the walks fail until then.
"""

from datetime import timedelta

from django.utils import timezone

from accounts.roles import Role
from campaigns import transitions
from recipients import suppressions
from recipients.models import TrialPhone
from reports import erasures
from reports.models import Erasure, Export, Inquiry
from tests import factories
from webhooks import endpoints

MISSING = 10**12


def things(workspace):
    """The ids, by what stands before the id in the addresses of the API and of the pages."""
    campaign = factories.done(workspace)
    draft = factories.draft(workspace)
    away = factories.draft(workspace)
    transitions.archive(away.pk, by=away.created_by, now=timezone.now())
    export = Export.objects.create(workspace=workspace, campaign=campaign, requested_by=campaign.created_by)
    inquiry = Inquiry.objects.create(workspace=workspace, phone=31612345678, asked_by=campaign.created_by)
    member, now = factories.membership(workspace), timezone.now()
    # However long a walk takes, it is too soon to send it again.
    invited = factories.invitation(workspace, now=now + timedelta(hours=1))
    asked, imported = factories.join_request(workspace), factories.suppression_import(workspace)
    suppressed = suppressions.opt_out(workspace, factories.FIRST_NUMBER)
    phone = factories.trial_phone(workspace)
    admin = factories.somebody(workspace, Role.ADMIN)
    erasure = Erasure.objects.of(workspace).first() or erasures.ask(
        workspace, "+31699999999", reason="By letter.", by=admin, now=now
    )
    saved, standing = factories.saved_text(workspace), factories.standing_export(workspace)
    endpoint = factories.endpoint(workspace)
    sent = endpoints.try_out(endpoint.pk, by=endpoint.created_by, now=timezone.now())
    return {
        # The API's, and the pages' where they have the same.
        "lists": campaign.list_id,
        "senders": campaign.sender_id,
        "campaigns": campaign.pk,
        "exports": export.pk,
        "standing-exports": standing.pk,
        "exports/standing": standing.pk,
        "erasures": erasure.pk,
        "inquiries": inquiry.pk,
        "suppressions": suppressed.pk,
        "suppressions/imports": imported.pk,
        "members": member.pk,
        "invitations": invited.pk,
        "join-requests": asked.pk,
        "keys": factories.api_key(workspace)[0].pk,
        "templates": saved.pk,
        "webhooks": endpoint.pk,
        "webhooks/deliveries": sent.pk,
        # The pages'.
        "campaigns/texts": saved.pk,
        "workspaces": workspace.pk,
        "members/invitations": invited.pk,
        "members/requests": asked.pk,
        "drafts": draft.pk,
        "archive": away.pk,
        "lists/suppressed": suppressed.pk,
        "lists/suppressed/imports": imported.pk,
        "lists/test-phones": TrialPhone.objects.of(workspace).get(phone=phone).pk,
    }


def missing(some):
    return dict.fromkeys(some, MISSING)
