"""Bodies and answers of the API, written by generate_models.py from its description. Times are ISO 8601."""

from datetime import date, datetime
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

BlankEnum: TypeAlias = Literal[""]
CampaignEventType: TypeAlias = Literal[
    "campaign.in_review",
    "campaign.rejected",
    "campaign.approved",
    "campaign.missed",
    "campaign.sending",
    "campaign.paused",
    "campaign.done",
    "campaign.expired",
    "campaign.cancelled",
    "campaign.failed",
]
CampaignMode: TypeAlias = Literal["on_approval", "scheduled", "spread", "trigger"]
CampaignStatus: TypeAlias = Literal[
    "draft",
    "in_review",
    "rejected",
    "approved",
    "missed",
    "sending",
    "paused",
    "done",
    "expired",
    "cancelled",
    "failed",
]
DefaultCoding: TypeAlias = Literal["gsm", "latin1", "ascii"]
DeliveryState: TypeAlias = Literal["pending", "delivered", "failed"]
ErasurePlace: TypeAlias = Literal[
    "calls",
    "test_phones",
    "messages",
    "receipts",
    "inbound",
    "incidents",
    "lists",
    "imports",
    "exports",
    "inquiries",
    "suppressed",
]
ErasureStatus: TypeAlias = Literal["running", "waiting", "done"]
ExportColumn: TypeAlias = Literal[
    "to", "status", "error_code", "error_name", "error_text", "submitted_at", "done_at", "parts"
]
ExportEventType: TypeAlias = Literal["export.ready", "export.failed"]
ExportFormat: TypeAlias = Literal["csv", "csv.gz", "parquet", "evidence"]
ExportNumbers: TypeAlias = Literal["masked", "whole"]
ExportStatus: TypeAlias = Literal["queued", "running", "ready", "failed", "expired"]
IncidentKind: TypeAlias = Literal[
    "bind_refused",
    "link_lost",
    "connect_failed",
    "response_timeout",
    "throttled",
    "queue_full",
    "refused",
    "protocol",
    "storage",
    "database",
    "redis",
    "seal_broken",
    "chunk_damaged",
    "chunk_failed",
    "restored",
    "limit_reached",
    "destination_barred",
    "unbalanced",
]
InvitationStatus: TypeAlias = Literal["pending", "accepted", "revoked"]
JoinRequestStatus: TypeAlias = Literal["pending", "granted", "refused"]
ListStage: TypeAlias = Literal["reading", "sorting", "writing"]
ListStatus: TypeAlias = Literal["uploading", "preparing", "ready", "failed", "cancelled", "deleted"]
LongMessages: TypeAlias = Literal["udh8", "udh16", "sar", "payload"]
MessagesEventType: TypeAlias = Literal["messages.settled"]
NullEnum: TypeAlias = None
PushInput: TypeAlias = "MessageInput | MessagesInput"
Push: TypeAlias = "Taken | Answers"
RecipientStatus: TypeAlias = Literal[
    "delivered", "failed", "pending", "no_receipt", "expired", "cancelled", "uncertain", "waiting", "suppressed"
]
RevisionStatus: TypeAlias = Literal["pending", "approved", "rejected"]
Role: TypeAlias = Literal["author", "moderator", "admin"]
Scope: TypeAlias = Literal[
    "campaigns:read",
    "campaigns:write",
    "messages",
    "lists:read",
    "lists:write",
    "suppressions:read",
    "suppressions:write",
    "senders:read",
    "senders:write",
    "reports:read",
    "exports",
    "inbound:read",
    "channels:read",
    "audit:read",
    "members:read",
    "workspace:read",
    "numbers",
    "members:write",
    "workspace:write",
    "inquiries",
    "erasures",
    "decide",
]
SenderStatus: TypeAlias = Literal["draft", "pending", "approved", "rejected", "archived"]
SettledStatus: TypeAlias = Literal[
    "uncertain", "no_receipt", "failed", "delivered", "expired", "cancelled", "suppressed"
]
StatisticsBy: TypeAlias = Literal["day", "sender", "channel", "campaign", "error"]
SuppressionChangeKind: TypeAlias = Literal["added", "removed"]
SuppressionImportStatus: TypeAlias = Literal["uploading", "importing", "done", "failed"]
SuppressionScope: TypeAlias = Literal["workspace", "global"]
SuppressionSource: TypeAlias = Literal["hand", "import", "opt_out"]
SuppressionsEventType: TypeAlias = Literal["suppressions.changed"]
TestEventType: TypeAlias = Literal["webhook.test"]
Verdict: TypeAlias = Literal["voted", "approved", "rejected", "rescheduled", "sent_now"]
WebhookDisabled: TypeAlias = Literal["by_hand", "gone", "failing"]
WebhookEvent: TypeAlias = Literal[
    "campaign.in_review",
    "campaign.rejected",
    "campaign.approved",
    "campaign.missed",
    "campaign.sending",
    "campaign.paused",
    "campaign.done",
    "campaign.expired",
    "campaign.cancelled",
    "campaign.failed",
    "export.ready",
    "export.failed",
    "messages.settled",
    "suppressions.changed",
]


class Answer(TypedDict):
    id: NotRequired[int]
    status: NotRequired["RecipientStatus"]
    error: NotRequired["Problem"]


class Answers(TypedDict):
    messages: list["Answer"]


class Attempt(TypedDict):
    at: str
    status: int | None
    answer: str
    trouble: str
    milliseconds: int


class CampaignEvent(TypedDict):
    type: "CampaignEventType"
    timestamp: str
    data: "CampaignMove"


class CampaignInput(TypedDict):
    name: str
    mode: "CampaignMode"
    text: str
    sender: int
    list: NotRequired[int | None]
    channel: NotRequired[int | None]
    route: NotRequired[int | None]
    send_at: NotRequired[datetime | str | None]
    date_from: NotRequired[datetime | str | None]
    date_to: NotRequired[datetime | str | None]
    not_after: NotRequired[datetime | str | None]
    daily_from: NotRequired[str | None]
    daily_to: NotRequired[str | None]
    parts_per_second: NotRequired[int | None]


class CampaignMove(TypedDict):
    campaign: "NamedCampaign"
    status: "CampaignStatus"
    previous_status: "CampaignStatus"
    reason: str


class Campaign(TypedDict):
    id: int
    public_id: str
    name: str
    status: "CampaignStatus"
    mode: "CampaignMode"
    text: str
    placeholders: list[str]
    encoding: str
    parts: int
    sender: int
    revision: int
    list: int | None
    channel: int
    route: int | None
    send_at: str | None
    date_from: str | None
    date_to: str | None
    not_after: str | None
    daily_from: str | None
    daily_to: str | None
    parts_per_second: int | None
    created_by: str
    created_at: str
    submitted_at: str | None
    approved_at: str | None
    started_at: str | None
    finished_at: str | None
    archived_at: str | None
    rejection_reason: str
    stopped_because: str


class CampaignReport(TypedDict):
    id: int
    public_id: str
    name: str
    status: "CampaignStatus"
    mode: "CampaignMode"
    text: str
    placeholders: list[str]
    encoding: str
    parts: int
    sender: int
    revision: int
    list: int | None
    channel: int
    route: int | None
    send_at: str | None
    date_from: str | None
    date_to: str | None
    not_after: str | None
    daily_from: str | None
    daily_to: str | None
    parts_per_second: int | None
    created_by: str
    created_at: str
    submitted_at: str | None
    approved_at: str | None
    started_at: str | None
    finished_at: str | None
    archived_at: str | None
    rejection_reason: str
    stopped_because: str
    totals: "Totals"
    balanced: bool
    rate: float | None
    eta: str | None


class Channel(TypedDict):
    id: int
    name: str
    is_default: bool
    tps: int
    default_coding: "DefaultCoding"
    long_messages: "LongMessages"
    default_validity_seconds: int | None
    accepted_is_delivered: bool


class Counts(TypedDict):
    messages: int
    parts: int
    terms: dict[str, int]


class Decision(TypedDict):
    verdict: "Verdict"
    by: str
    at: str
    round: int
    reason: str
    seal: str
    four_eyes: bool
    is_self_review: bool
    wants_two: bool


class Delivery(TypedDict):
    id: int
    webhook_id: str
    event: str
    state: "DeliveryState"
    made_at: str
    next_at: str


class Entry(TypedDict):
    seq: int
    at: str
    action: str
    actor: str
    role: str
    via: str
    address: str | None
    request_id: str
    subject: "Subject"
    before: dict[str, Any]
    after: dict[str, Any]
    note: str
    previous_hash: str
    hash: str


class ErasureInput(TypedDict):
    to: str
    reason: str


class Erasure(TypedDict):
    id: int
    known_as: str
    status: "ErasureStatus"
    reason: str
    asked_by: str | None
    asked_at: str
    look_at: str
    done_at: str | None
    places: list["Place"]


class Error(TypedDict):
    code: str
    name: str
    text: str


class ErrorPage(TypedDict):
    results: list["Incident"]
    next: str | None
    reasons: list["Reason"]


class ExportEnd(TypedDict):
    campaign: "NamedCampaign"
    export: "ExportFacts"
    reason: str


class ExportEvent(TypedDict):
    type: "ExportEventType"
    timestamp: str
    data: "ExportEnd"


class ExportFacts(TypedDict):
    id: int
    format: "ExportFormat"
    rows: int | None
    bytes: int | None
    kept_until: str | None
    url: str | None


class ExportInput(TypedDict):
    format: NotRequired["ExportFormat"]
    numbers: NotRequired["ExportNumbers"]
    columns: NotRequired[list[str]]


class Export(TypedDict):
    id: int
    campaign: int
    format: "ExportFormat"
    columns: list[str]
    numbers: "ExportNumbers"
    status: "ExportStatus"
    url: str | None
    rows: int
    bytes: int
    totals: "Totals | None"
    failure: str
    requested_at: str
    ready_at: str | None
    kept_until: str | None


class ImportInput(TypedDict):
    filename: str
    reason: str
    country: NotRequired[str]
    column: NotRequired[str]


class Import(TypedDict):
    id: int
    filename: str
    reason: str
    country: str
    column: str
    status: "SuppressionImportStatus"
    progress: int
    failure: str
    totals: "ImportTotals"
    upload_url: str
    created_at: str
    done_at: str | None


class ImportTotals(TypedDict):
    rows: int
    added: int
    already: int
    invalid: int


class Inbound(TypedDict):
    id: int
    received_at: str
    sender: str | None
    to: str
    text: str
    keyword: str


class Incident(TypedDict):
    kind: "IncidentKind"
    channel: str
    count: int
    first_at: str
    last_at: str
    sample: str


class InquiryInput(TypedDict):
    to: str
    reason: str


class Inquiry(TypedDict):
    id: int
    known_as: str
    status: "ExportStatus"
    percent: int
    reason: str
    asked_by: str
    asked_at: str
    ready_at: str | None
    failure: str
    url: str | None
    answer: dict[str, Any] | None


class InvitationInput(TypedDict):
    role: "Role"
    is_moderator: NotRequired[bool]
    email: str


class Invitation(TypedDict):
    id: int
    email: str
    role: "Role"
    is_moderator: bool
    status: "InvitationStatus"
    invited_by: str
    sent_at: str
    expires_at: str
    ended_at: str | None


class JoinRequest(TypedDict):
    id: int
    user: "Person"
    message: str
    status: "JoinRequestStatus"
    asked_at: str
    decided_by: str | None
    decided_at: str | None
    reason: str


class Key(TypedDict):
    id: int
    name: str
    prefix: str
    user: str | None
    scopes: list["Scope"]
    created_by: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    revoked_at: str | None


class LimitsInput(TypedDict):
    parts_per_day: int | None
    parts_per_month: int | None
    destinations: list[str]


class Limits(TypedDict):
    parts_per_day: int | None
    parts_per_month: int | None
    destinations: list[str]
    spent_today: int
    spent_this_month: int


class ListInput(TypedDict):
    name: str
    filename: str
    country: NotRequired[str]
    column: NotRequired[str]


class List(TypedDict):
    id: int
    name: str
    filename: str
    country: str
    column: str
    status: "ListStatus"
    progress: int
    preparation: "Preparation | None"
    failure: str
    totals: "ListTotals"
    columns: list[str]
    layout: str
    breakdown: dict[str, list[Any]]
    digest: str
    upload_url: str
    campaigns_url: str
    created_at: str
    ready_at: str | None
    archived_at: str | None


class ListTotals(TypedDict):
    rows: int
    accepted: int
    invalid: int
    duplicate: int
    suppressed: int


class Member(TypedDict):
    id: int
    user: "Person"
    role: "Role"
    is_moderator: bool
    is_active: bool


class MessageError(TypedDict):
    code: str
    name: str
    text: str


class MessageInput(TypedDict):
    to: str
    params: NotRequired[dict[str, str]]
    text: NotRequired[str]
    key: NotRequired[str]
    expires_at: NotRequired[datetime | str]


class Message(TypedDict):
    to: str
    status: "RecipientStatus"
    error: "Error | None"
    submitted_at: str | None
    done_at: str | None
    parts: int
    id: int


class MessagesEvent(TypedDict):
    type: "MessagesEventType"
    timestamp: str
    data: "SettledMessages"


class MessagesInput(TypedDict):
    messages: list["MessageInput"]


class NamedCampaign(TypedDict):
    id: int
    name: str


class NewWebhook(TypedDict):
    id: int
    url: str
    description: str
    events: list["WebhookEvent"]
    with_numbers: bool
    disabled: "WebhookDisabled | BlankEnum"
    failing_since: str | None
    old_secret_until: str | None
    created_by: str
    created_at: str
    secret: str


class OptionalReasonInput(TypedDict):
    reason: NotRequired[str]


class PatchedCampaignInput(TypedDict):
    name: NotRequired[str]
    mode: NotRequired["CampaignMode"]
    text: NotRequired[str]
    sender: NotRequired[int]
    list: NotRequired[int | None]
    channel: NotRequired[int | None]
    route: NotRequired[int | None]
    send_at: NotRequired[datetime | str | None]
    date_from: NotRequired[datetime | str | None]
    date_to: NotRequired[datetime | str | None]
    not_after: NotRequired[datetime | str | None]
    daily_from: NotRequired[str | None]
    daily_to: NotRequired[str | None]
    parts_per_second: NotRequired[int | None]


class PatchedChangePlaceInput(TypedDict):
    role: NotRequired["Role"]
    is_moderator: NotRequired[bool]


class PatchedChangeWebhookInput(TypedDict):
    url: NotRequired[str]
    description: NotRequired[str]
    events: NotRequired[list["WebhookEvent"]]


class PatchedNameInput(TypedDict):
    name: NotRequired[str]


class PatchedRulesInput(TypedDict):
    four_eyes: NotRequired[bool]
    second_approver_above: NotRequired[int | None]
    approval_days: NotRequired[int | None]
    tokens_may_decide: NotRequired[bool]


class PatchedTemplateInput(TypedDict):
    name: NotRequired[str]
    text: NotRequired[str]


class Person(TypedDict):
    id: int
    email: str
    name: str


class PlaceInput(TypedDict):
    role: "Role"
    is_moderator: NotRequired[bool]


class Place(TypedDict):
    place: "ErasurePlace"
    erased: int
    awaited: int
    unread: int


class Preparation(TypedDict):
    stage: "ListStage | NullEnum"
    percent: int
    rows_done: int
    rows_per_second: int | None
    seconds_left: int | None


class Problem(TypedDict):
    code: str
    message: str
    fields: NotRequired[dict[str, list[str]]]


class ReasonInput(TypedDict):
    reason: str


class Reason(TypedDict):
    error: "Error"
    count: int
    share: float


class Recipient(TypedDict):
    to: str
    status: "RecipientStatus"
    error: "Error | None"
    submitted_at: str | None
    done_at: str | None
    parts: int


class RecipientPage(TypedDict):
    results: list["Recipient"]
    next: str | None


class RefusalInput(TypedDict):
    reason: NotRequired[str]


class RescheduleInput(TypedDict):
    send_at: datetime | str


class RevisionInput(TypedDict):
    saddr: str
    reason: NotRequired[str]
    ton: NotRequired[int]
    npi: NotRequired[int]


class Revision(TypedDict):
    number: int
    status: "RevisionStatus"
    saddr: str
    ton: int
    npi: int
    reason: str
    submitted_by: str
    submitted_at: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str


class RouteMember(TypedDict):
    channel: int
    name: str
    weight: int
    is_backup: bool


class Route(TypedDict):
    id: int
    name: str
    members: list["RouteMember"]


class Rules(TypedDict):
    four_eyes: bool
    second_approver_above: int | None
    approval_days: int | None
    tokens_may_decide: bool


class SenderInput(TypedDict):
    name: str


class Sender(TypedDict):
    id: int
    name: str
    status: "SenderStatus"
    created_at: str
    current: int | None
    revisions: list["Revision"]


class SettledMessage(TypedDict):
    id: str
    status: "SettledStatus"
    error: "MessageError | None"
    done_at: str | None
    to: NotRequired[str | None]


class SettledMessages(TypedDict):
    campaign: "NamedCampaign"
    messages: list["SettledMessage"]


class StandingExportInput(TypedDict):
    format: "ExportFormat"
    numbers: NotRequired["ExportNumbers"]
    columns: NotRequired[list["ExportColumn"]]
    hours_after_end: NotRequired[int]
    daily_at: NotRequired[str]


class StandingExport(TypedDict):
    id: int
    format: "ExportFormat"
    columns: list[str]
    numbers: "ExportNumbers"
    hours_after_end: int | None
    daily_at: str | None
    next_at: str | None
    created_by: str
    created_at: str


class Statistics(TypedDict):
    by: "StatisticsBy"
    since: str
    until: str
    total: "Counts"
    results: list["StatisticsRow"]


class StatisticsRow(TypedDict):
    messages: int
    parts: int
    terms: dict[str, int]
    key: str
    name: str


class StopWordsInput(TypedDict):
    words: list[str]


class StopWords(TypedDict):
    words: list[str]


class Subject(TypedDict):
    type: str
    id: str
    name: str


class SuppressionChange(TypedDict):
    id: int
    change: "SuppressionChangeKind"
    source: "SuppressionSource"
    reason: str
    at: str
    to: NotRequired[str | None]


class SuppressionInput(TypedDict):
    to: str
    reason: str


class Suppression(TypedDict):
    id: int
    to: str | None
    scope: "SuppressionScope"
    source: "SuppressionSource"
    reason: str
    added_by: str | None
    added_at: str


class SuppressionsChanged(TypedDict):
    changes: list["SuppressionChange"]
    imports: list["SuppressionsImported"]


class SuppressionsEvent(TypedDict):
    type: "SuppressionsEventType"
    timestamp: str
    data: "SuppressionsChanged"


class SuppressionsImported(TypedDict):
    id: int
    added: int
    at: str


class Taken(TypedDict):
    id: int
    status: "RecipientStatus"


class TemplateInput(TypedDict):
    name: str
    text: str


class Template(TypedDict):
    id: int
    name: str
    text: str
    placeholders: list[str]
    kept_by: str
    kept_at: str


class TestEvent(TypedDict):
    type: "TestEventType"
    timestamp: str
    data: dict[str, Any]


class Totals(TypedDict):
    rows: int
    invalid: int
    duplicate: int
    suppressed: int
    accepted: int
    delivered: int
    failed: int
    pending: int
    no_receipt: int
    expired: int
    cancelled: int
    uncertain: int
    waiting: int


class TrialInput(TypedDict):
    to: list[str]
    params: NotRequired[dict[str, str]]


class Trial(TypedDict):
    id: int
    status: "CampaignStatus"
    stopped_because: str
    created_by: str
    created_at: str
    results: list["TrialResult"]


class TrialPage(TypedDict):
    results: list["Trial"]
    next: str | None


class TrialResult(TypedDict):
    to: str
    status: "RecipientStatus"
    error: "Error | None"
    submitted_at: str | None
    done_at: str | None
    parts: int


class WebhookInput(TypedDict):
    url: str
    description: NotRequired[str]
    events: list["WebhookEvent"]
    with_numbers: NotRequired[bool]


class Webhook(TypedDict):
    id: int
    url: str
    description: str
    events: list["WebhookEvent"]
    with_numbers: bool
    disabled: "WebhookDisabled | BlankEnum"
    failing_since: str | None
    old_secret_until: str | None
    created_by: str
    created_at: str


class WholeDelivery(TypedDict):
    id: int
    webhook_id: str
    event: str
    state: "DeliveryState"
    made_at: str
    next_at: str
    payload: dict[str, Any]
    attempts: list["Attempt"]


class CampaignsErrorsQuery(TypedDict, total=False):
    channel: str
    kind: Literal[
        "bind_refused",
        "link_lost",
        "connect_failed",
        "response_timeout",
        "throttled",
        "queue_full",
        "refused",
        "protocol",
        "storage",
        "database",
        "redis",
        "seal_broken",
        "chunk_damaged",
        "chunk_failed",
        "restored",
        "limit_reached",
        "destination_barred",
        "unbalanced",
    ]


class CampaignsQuery(TypedDict, total=False):
    archived: bool
    author: int
    created_before: datetime | str
    created_since: datetime | str
    list: int
    mode: Literal["on_approval", "scheduled", "spread", "trigger"]
    page_size: int
    search: str
    sender: int
    since: date | str
    status: Literal[
        "draft",
        "in_review",
        "rejected",
        "approved",
        "missed",
        "sending",
        "paused",
        "done",
        "expired",
        "cancelled",
        "failed",
        "active",
        "broken",
    ]
    until: date | str


class CampaignsRecipientsQuery(TypedDict, total=False):
    page_size: int
    status: Literal[
        "delivered", "failed", "pending", "no_receipt", "expired", "cancelled", "uncertain", "waiting", "suppressed", ""
    ]
    to: str


class InvitationsQuery(TypedDict, total=False):
    page_size: int
    status: Literal["pending", "accepted", "revoked"]


class JoinRequestsQuery(TypedDict, total=False):
    page_size: int
    status: Literal["pending", "granted", "refused"]


class ListsQuery(TypedDict, total=False):
    archived: bool
    page_size: int
    search: str
    status: Literal["uploading", "preparing", "ready", "failed", "cancelled"]


class MembersQuery(TypedDict, total=False):
    page_size: int
    role: Literal["author", "moderator", "admin"]
    search: str


class StatisticsExportQuery(TypedDict, total=False):
    by: Literal["campaign", "channel", "day", "error", "sender"]
    channel: int
    sender: int
    since: date | str
    until: date | str


class StatisticsQuery(TypedDict, total=False):
    by: Literal["campaign", "channel", "day", "error", "sender"]
    channel: int
    sender: int
    since: date | str
    until: date | str


class SuppressionsQuery(TypedDict, total=False):
    added_after: datetime | str
    page_size: int
    source: list[Literal["hand", "import", "opt_out"]]
    to: str


class WebhooksDeliveriesQuery(TypedDict, total=False):
    event: Literal[
        "campaign.in_review",
        "campaign.rejected",
        "campaign.approved",
        "campaign.missed",
        "campaign.sending",
        "campaign.paused",
        "campaign.done",
        "campaign.expired",
        "campaign.cancelled",
        "campaign.failed",
        "export.ready",
        "export.failed",
        "messages.settled",
        "suppressions.changed",
        "webhook.test",
    ]
    page_size: int
    state: Literal["pending", "delivered", "failed"]
