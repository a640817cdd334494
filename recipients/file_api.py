"""The file of a list over the API: raw bytes in one go, or resumable by tus 1.0 (https://tus.io/protocols)."""

import base64
import binascii
import socket
from collections.abc import Mapping
from datetime import datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import BearerAuthentication, PageAuthentication
from accounts.callers import user_of, workspace_of
from accounts.resources import Resource
from accounts.scopes import Scope
from audit.refusal import Refused
from recipients import resumable, uploads
from recipients.api import NAME_LENGTH, ListInput, ListOutput, shown
from recipients.arrival import Checksum
from recipients.models import RecipientList
from recipients.resumable import Standing

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,termination,expiration,checksum"
CHUNK_TYPE = "application/offset+octet-stream"
HASHES = {"sha1": 20, "sha256": 32}  # by their names in tus: the bytes that each has
PATIENCE = 60.0  # seconds without a byte until a connection is given up, and its thread serves others


class UploadInput(ListInput):
    sha256 = serializers.RegexField(r"^[0-9a-fA-F]{64}$", required=False, default="", allow_blank=True)


def _header(name: str, description: str, *, required: bool = False, kind: type = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, required=required, description=description)


TUS = _header("Tus-Resumable", f"{VERSION}, the version of the protocol.", required=True)
LENGTH = _header("Upload-Length", "Of the whole file, in bytes.", kind=int)


class Tus(Resource):
    """The headers that every answer has, and the method of clients that can only POST."""

    reads = writes = Scope.LISTS_WRITE  # how far an upload is, is asked for by whoever goes on with it
    authentication_classes = (BearerAuthentication, PageAuthentication)
    parser_classes = ()

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        override = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and override in ("PATCH", "DELETE", "HEAD"):
            request.method = override
        return super().dispatch(request, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
            "Tus-Checksum-Algorithm": ",".join(HASHES),
        }
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers["Tus-Resumable"] = VERSION
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code == status.HTTP_412_PRECONDITION_FAILED:
            response.headers["Tus-Version"] = VERSION
        return super().finalize_response(request, response, *args, **kwargs)


class Uploads(Tus):
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything looks for a token in it: a form here would be spooled to disk.
        if int(request.META.get("CONTENT_LENGTH") or 0) or "HTTP_TRANSFER_ENCODING" in request.META:
            raise ValidationError({"body": ["An upload begins without a body; its bytes follow by PATCH."]})
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request=None,
        responses={201: OpenApiResponse(ListOutput, description="`Location` is where the bytes go.")},
        parameters=[
            TUS,
            LENGTH,
            _header("Upload-Defer-Length", "1: the length comes with the first PATCH."),
            _header(
                "Upload-Metadata",
                "`name`, `filename`, `country`, `column` as for a list, and `sha256` of the file (64 hex digits) if it "
                "is to be compared: each followed by a space and its value in Base64, separated by commas.",
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """A list, and the resumable upload of its file (tus creation)."""
        _check_version(request)
        fields = _fields(request)
        workspace, by, now = workspace_of(request), user_of(request), timezone.now()
        if request.headers.get("Upload-Defer-Length") == "1":
            del fields["sha256"]
            row = uploads.create(workspace, **fields, by=by)
        else:
            length = _number(request, "Upload-Length")
            row = resumable.create(workspace, **fields, length=length, by=by, now=now)
        response = shown(request, row, code=status.HTTP_201_CREATED)
        response.headers["Location"] = request.build_absolute_uri(reverse("api:list-file", args=[row.pk]))
        return _with_standing(response, resumable.standing(row, now=now))


class ListFile(Tus):
    """The file of a list. PUT takes it in one go, as `curl -T numbers.csv` sends it; the other methods are tus 1.0."""

    @extend_schema(request={"application/octet-stream": OpenApiTypes.BINARY}, responses={202: ListOutput})
    def put(self, request: Request, pk: int, filename: str = "") -> Response:
        row = _list(request, pk)
        stream, length = body_of(request)
        row = uploads.receive(row.pk, stream, by=user_of(request), length=length)
        return shown(request, row, code=status.HTTP_202_ACCEPTED)

    def head(self, request: Request, pk: int, filename: str = "") -> Response:
        row = _list(request, pk)
        _check_version(request)
        return _with_standing(Response(status=status.HTTP_200_OK), resumable.standing(row, now=timezone.now()))

    @extend_schema(
        request={CHUNK_TYPE: OpenApiTypes.BINARY},
        responses={204: OpenApiResponse(description="`Upload-Offset` says what has arrived.")},
        parameters=[
            TUS,
            _header("Upload-Offset", "Where these bytes begin.", required=True, kind=int),
            LENGTH,
            _header("Upload-Checksum", "`sha1` or `sha256`, a space, and the hash of these bytes in Base64."),
        ],
    )
    def patch(self, request: Request, pk: int, filename: str = "") -> Response:
        """The next bytes of the file. What arrives is kept, wherever the connection breaks."""
        row = _list(request, pk)
        _check_version(request)
        if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != CHUNK_TYPE:
            raise Refused(f"Send the bytes as Content-Type: {CHUNK_TYPE}.", code="wrong_type")
        offset, checksum, now = _number(request, "Upload-Offset"), _checksum(request), timezone.now()
        stream, announced = body_of(request)
        by = user_of(request)
        if "Upload-Length" in request.headers and offset == 0:
            _begin_unless_begun(row, _number(request, "Upload-Length"), by=by, now=now)
        found = resumable.add(row.pk, stream, offset=offset, announced=announced, checksum=checksum, by=by, now=now)
        return _with_standing(Response(status=status.HTTP_204_NO_CONTENT), found)

    @extend_schema(parameters=[TUS], responses={204: None})
    def delete(self, request: Request, pk: int, filename: str = "") -> Response:
        """End the upload: what has arrived is thrown away."""
        row = _list(request, pk)
        _check_version(request)
        resumable.terminate(row.pk, by=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _list(request: Request, pk: int) -> RecipientList:
    return get_object_or_404(RecipientList.objects.of(workspace_of(request)), pk=pk)


def _begin_unless_begun(row: RecipientList, length: int, *, by: Any, now: datetime) -> None:
    found = resumable.length_of(row, now=now)
    if found is None:
        resumable.begin(row.pk, length=length, by=by, now=now)
    elif found != length:
        raise Refused(f"This upload is of {found:,} bytes, not {length:,}.", code="wrong_offset")


def _with_standing(response: Response, found: Standing) -> Response:
    response.headers["Upload-Offset"] = str(found.offset)
    if found.length is None:
        response.headers["Upload-Defer-Length"] = "1"
    else:
        response.headers["Upload-Length"] = str(found.length)
    if found.expires_at is not None:
        response.headers["Upload-Expires"] = http_date(found.expires_at.timestamp())
    return response


def _check_version(request: Request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refused(f"Say Tus-Resumable: {VERSION}.", code="wrong_version")


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValidationError({name: ["Write a number of bytes."]})
    return int(text)


def _fields(request: Request) -> dict[str, Any]:
    """Of the list that is to be made. What else a client says about its file is not ours."""
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    fields = {str(name): said[str(name)] for name in UploadInput().fields if str(name) in said}
    fields.setdefault("name", fields.get("filename", "")[:NAME_LENGTH])
    body = UploadInput(data=fields)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _metadata(header: str) -> Mapping[str, str]:
    try:
        pairs = [pair.strip().partition(" ") for pair in header.split(",") if pair.strip()]
        return {name: base64.b64decode(value, validate=True).decode() for name, _, value in pairs}
    except (binascii.Error, UnicodeDecodeError):
        raise ValidationError({"Upload-Metadata": ["Each value is UTF-8 text in Base64."]}) from None


def _checksum(request: Request) -> Checksum | None:
    header = request.headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    try:
        wanted = base64.b64decode(value, validate=True)
    except binascii.Error:
        wanted = b""
    if len(wanted) != HASHES.get(algorithm):
        raise ValidationError({"Upload-Checksum": [f"Write {' or '.join(HASHES)}, a space, and the hash in Base64."]})
    return Checksum(algorithm, wanted)


def body_of(request: Request) -> tuple[BinaryIO, int | None]:
    """The body as it arrives, and its length unless the client sends it in HTTP chunks."""
    environ = request._request.META
    connection = environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.settimeout(PATIENCE)
    if environ.get("CONTENT_LENGTH", "") != "":
        return request._request, int(environ["CONTENT_LENGTH"])  # type: ignore[return-value]
    # Django reads no further than Content-Length; the server below says that it ends the stream itself.
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and environ.get("wsgi.input_terminated"):
        stream: BinaryIO = environ["wsgi.input"]
        return stream, None
    raise Refused("Say how long the file is: Content-Length, or chunked transfer.", code="length_missing")
