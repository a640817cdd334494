"""The routes of the API, version 1. A path has one view: where two rooms share one, they meet here."""

from typing import Any

from django.http import Http404
from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import api_urls as accounts
from audit.api import Audit, AuditExport
from campaigns import api as campaigns
from campaigns import saved_text_api as saved_texts
from channels.api import Channels, Routes
from config import schema  # noqa: F401  (tells drf-spectacular how callers authenticate)
from delivery.api import InboundMessages, PushMessages
from moderation import api as moderation
from recipients import api as recipients
from recipients import file_api
from recipients import suppression_api as suppressions
from reports import api_urls as reports
from reports.campaigns_api import ReadCampaign, ReadCampaigns
from senders import api as senders
from webhooks import api_urls as webhooks

app_name = "api"


# Written by campaigns, read by reports.
class Campaigns(campaigns.WriteCampaigns, ReadCampaigns): ...


class OneCampaign(campaigns.EditCampaign, ReadCampaign): ...


class Nowhere(APIView):
    """Every address below the API that is none: the same 404 as for a thing that does not exist."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.check_throttles(request)
        raise Http404


urlpatterns = [
    path("lists/", recipients.Lists.as_view(), name="lists"),
    path("lists/<int:pk>/", recipients.OneList.as_view(), name="list"),
    path("uploads/", file_api.Uploads.as_view(), name="uploads"),
    path("lists/<int:pk>/file/", file_api.ListFile.as_view(), name="list-file"),
    # curl -T adds the file's name to an address that ends with a slash.
    path("lists/<int:pk>/file/<str:filename>", file_api.ListFile.as_view(schema=None), name="list-file-named"),
    path("lists/<int:pk>/rejected/", recipients.RejectedLines.as_view(), name="list-rejected"),
    path("suppressions/", suppressions.Suppressions.as_view(), name="suppressions"),
    path("suppressions/<int:pk>/", suppressions.OneSuppression.as_view(), name="suppression"),
    path("suppressions/export/", suppressions.SuppressionExport.as_view(), name="suppressions-export"),
    path("suppressions/stop-words/", suppressions.OwnStopWords.as_view(), name="suppression-stop-words"),
    path("suppressions/imports/", suppressions.Imports.as_view(), name="suppression-imports"),
    path("suppressions/imports/<int:pk>/", suppressions.OneImport.as_view(), name="suppression-import"),
    path("suppressions/imports/<int:pk>/file/", suppressions.ImportFile.as_view(), name="suppression-import-file"),
    path(
        "suppressions/imports/<int:pk>/file/<str:filename>",
        suppressions.ImportFile.as_view(schema=None),
        name="suppression-import-file-named",
    ),
    path(
        "suppressions/imports/<int:pk>/rejected/",
        suppressions.ImportRejected.as_view(),
        name="suppression-import-rejected",
    ),
    path("lists/<int:pk>/duplicates/", recipients.DuplicateLines.as_view(), name="list-duplicates"),
    path("lists/<int:pk>/cancel/", recipients.CancelList.as_view(), name="list-cancel"),
    path("lists/<int:pk>/archive/", recipients.ArchiveList.as_view(), name="list-archive"),
    path("lists/<int:pk>/restore/", recipients.RestoreList.as_view(), name="list-restore"),
    path("senders/", senders.Senders.as_view(), name="senders"),
    path("senders/<int:pk>/", senders.OneSender.as_view(), name="sender"),
    path("senders/<int:pk>/revisions/", senders.Revisions.as_view(), name="revisions"),
    path(
        "senders/<int:pk>/revisions/<int:number>/approve/",
        moderation.ApproveRevision.as_view(),
        name="revision-approve",
    ),
    path(
        "senders/<int:pk>/revisions/<int:number>/reject/", moderation.RejectRevision.as_view(), name="revision-reject"
    ),
    path("templates/", saved_texts.Templates.as_view(), name="templates"),
    path("templates/<int:pk>/", saved_texts.OneTemplate.as_view(), name="template"),
    path("campaigns/", Campaigns.as_view(), name="campaigns"),
    path("campaigns/<int:pk>/", OneCampaign.as_view(), name="campaign"),
    path("campaigns/<int:pk>/submit/", campaigns.Submit.as_view(), name="campaign-submit"),
    path("campaigns/<int:pk>/withdraw/", campaigns.Withdraw.as_view(), name="campaign-withdraw"),
    path("campaigns/<int:pk>/revise/", campaigns.Revise.as_view(), name="campaign-revise"),
    path("campaigns/<int:pk>/pause/", campaigns.Pause.as_view(), name="campaign-pause"),
    path("campaigns/<int:pk>/resume/", campaigns.Resume.as_view(), name="campaign-resume"),
    path("campaigns/<int:pk>/cancel/", campaigns.Cancel.as_view(), name="campaign-cancel"),
    path("campaigns/<int:pk>/archive/", campaigns.Archive.as_view(), name="campaign-archive"),
    path("campaigns/<int:pk>/restore/", campaigns.Restore.as_view(), name="campaign-restore"),
    path("campaigns/<int:pk>/clone/", campaigns.Clone.as_view(), name="campaign-clone"),
    path("campaigns/<int:pk>/decisions/", moderation.Decisions.as_view(), name="campaign-decisions"),
    path("campaigns/<int:pk>/approve/", moderation.Approve.as_view(), name="campaign-approve"),
    path("campaigns/<int:pk>/reject/", moderation.Reject.as_view(), name="campaign-reject"),
    path("campaigns/<int:pk>/reschedule/", moderation.Reschedule.as_view(), name="campaign-reschedule"),
    path("campaigns/<int:pk>/send_now/", moderation.SendNow.as_view(), name="campaign-send-now"),
    path("campaigns/<int:pk>/messages/", PushMessages.as_view(), name="campaign-messages"),
    *reports.urlpatterns,
    *accounts.urlpatterns,
    *webhooks.urlpatterns,
    path("inbound/", InboundMessages.as_view(), name="inbound"),
    path("channels/", Channels.as_view(), name="channels"),
    path("routes/", Routes.as_view(), name="routes"),
    path("audit/", Audit.as_view(), name="audit"),
    path("audit/export/", AuditExport.as_view(), name="audit-export"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("schema/ui/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="schema-ui"),
    re_path("", Nowhere.as_view(), name="nowhere"),
]
