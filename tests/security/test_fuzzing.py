"""The API under requests that nobody would write, by its own description: as each role, one request after another."""

import os

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.roles import Role
from config.wsgi import application
from reports import erasures, inquiries
from reports.models import Export
from tests import factories, owner
from webhooks import endpoints

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# A part of an upload by tus is octets like others.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

EXAMPLES = int(os.environ.get("FUZZING_EXAMPLES", "60"))


@pytest.fixture
def things(workspace):
    """An id of each kind that the caller may reach, by the beginning of its address."""
    campaign = factories.done(workspace)
    export = Export.objects.create(workspace=workspace, campaign=campaign, requested_by=campaign.created_by)
    endpoint, admin, now = factories.endpoint(workspace), factories.member(workspace, Role.ADMIN), timezone.now()
    return {
        "lists": [campaign.list_id, factories.ready_list(workspace).pk],
        "senders": [campaign.sender_id],
        "campaigns": [campaign.pk, factories.campaign(workspace).pk, factories.in_review(workspace).pk],
        "exports": [export.pk],
        "inquiries": [inquiries.ask(workspace, "+31612345678", reason="They ask.", by=admin, now=now).pk],
        "erasures": [erasures.ask(workspace, "+31687654321", reason="They ask.", by=admin, now=now).pk],
        "standing-exports": [factories.standing_export(workspace).pk],
        "templates": [factories.saved_text(workspace).pk],
        "webhooks": [endpoint.pk],
        "webhooks/deliveries": [endpoints.try_out(endpoint.pk, by=admin, now=now).pk],
        "suppressions/imports": [factories.suppression_import(workspace).pk],
        "members": [factories.membership(workspace).pk],
        "invitations": [factories.invitation(workspace).pk],
        "join-requests": [factories.join_request(workspace).pk],
        "keys": [factories.api_key(workspace)[0].pk],
    }


@pytest.fixture
def secret(request, workspace):
    match request.param:
        case "nobody":
            return ""
        case "key":
            return factories.api_key(workspace)[1]
        case "super admin":
            return factories.token(workspace, factories.user(is_superuser=True))
        case role:
            return factories.token(workspace, factories.member(workspace, Role(role)))


@pytest.fixture(autouse=True)
def connection_stays_open():
    """As in Django's own test client: the data of the test is in its transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def requests_of(secret, things):
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)
    given = owner.ids_given()

    class Requests(schema.as_state_machine()):
        def setup(self):
            # What one example changed is undone before the next, ids that were given out as well: Hypothesis begins an
            # example as it began another, and by an id of an answer it is decided what comes next.
            self.undone = transaction.atomic()
            self.undone.__enter__()

        def teardown(self):
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)
            owner.give_ids_again(given)
            super().teardown()

        def before_call(self, case):
            # An id of its own choice hits nothing: every other one is of something that is there.
            known = next((ids for kind, ids in things.items() if case.path.startswith(f"/api/v1/{kind}/{{")), [])
            wanted = case.path_parameters.get("id")
            if known and isinstance(wanted, int) and wanted % 2:
                case.path_parameters["id"] = known[wanted // 2 % len(known)]

        def get_call_kwargs(self, case):
            return {"headers": {"Authorization": f"Bearer {secret}"} if secret else {}}

        def validate_response(self, response, case, additional_checks=(), **options):
            case.validate_response(response, checks=CHECKS)

    return Requests


def fuzz(requests, *, examples, steps, **more):
    requests.run(
        settings=settings(
            **more,
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("secret", ["key", "author", "moderator", "admin", "super admin", "nobody"], indirect=True)
def test_whatever_is_asked_is_answered_as_the_description_says(secret, things, objects):
    fuzz(requests_of(secret, things), examples=EXAMPLES, steps=12, derandomize=False)


@pytest.mark.parametrize("secret", ["admin"], indirect=True)
def test_a_few_odd_requests_are_answered_as_the_description_says(secret, things, objects):
    """The same ones each time: others are tried above, where what is found was looked for."""
    fuzz(requests_of(secret, things), examples=4, steps=8, derandomize=True)


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["admin"], indirect=True)
def test_the_same_requests_are_answered_the_same_again(secret, things, objects):
    """Else Hypothesis finds its examples flaky, and shows no failure."""
    runs = []
    for _ in range(2):
        said = []

        class Told(requests_of(secret, things)):
            def validate_response(self, response, case, said=said, **options):
                said.append((case.method, response.request.path_url.partition("?")[0], response.status_code))

        fuzz(Told, examples=5, steps=10, derandomize=True)
        runs.append(said)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 20
