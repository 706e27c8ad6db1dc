"""Batches of codes, for partners: ask for them, look how far they are, take them out, bring those of another system."""

import hashlib
import tempfile
from collections.abc import Mapping
from typing import IO, Any, BinaryIO, cast

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import operations, queries
from campaigns.models import BatchState, CodeBatch
from campaigns.rules import codes
from campaigns.wording import why_import_failed
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.kept_files import announced_length
from incentives_site.shared.parsers import TooLarge
from incentives_site.shared.problems import FieldError, Invalid
from incentives_site.shared.serializers import StrictSerializer

FAILURES = ["not-csv", "nothing-to-import", "unreadable", "unexpected"]


class _BatchTerms(StrictSerializer):
    incentive = serializers.CharField(max_length=64, help_text="The id of an incentive that is claimed by a code.")
    name = serializers.CharField(required=False, allow_blank=True, max_length=100)
    uses_per_code = serializers.IntegerField(required=False, min_value=1, max_value=codes.MOST)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    forgets_texts = serializers.BooleanField(
        required=False, help_text="A day after the first export only keyed hashes of the codes are kept."
    )


class BatchRequest(_BatchTerms):
    """Either ``pattern``, or ``length`` with a ``prefix`` or without one."""

    count = serializers.IntegerField(min_value=1, max_value=codes.MOST)
    pattern = serializers.CharField(
        required=False, max_length=codes.LONGEST, help_text="As printed, with # for each character drawn by chance."
    )
    prefix = serializers.CharField(required=False, allow_blank=True, max_length=40)
    length = serializers.IntegerField(required=False, min_value=1, max_value=40, help_text="How many characters are drawn.")
    alphabet = serializers.CharField(required=False, max_length=36, help_text="What is drawn from; else without look-alikes.")
    has_check = serializers.BooleanField(required=False, help_text="The last # is a check character, which shows typing errors.")


class ImportQuery(_BatchTerms):
    """The terms of an import, in the query, since the body is the file."""


class RefusedLineOut(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    reason = serializers.CharField()


class ImportReportOut(serializers.Serializer[Any]):
    """``first`` are the first thousand refused lines; ``by_reason`` counts all of them."""

    lines = serializers.IntegerField()
    refused = serializers.IntegerField()
    by_reason = serializers.DictField(child=serializers.IntegerField())
    first = RefusedLineOut(many=True)


class BatchOut(serializers.Serializer[Any]):
    """One batch. ``to_representation`` takes the row."""

    id = serializers.UUIDField()
    incentive = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(BatchState.choices)
    count = serializers.IntegerField()
    made = serializers.IntegerField(help_text="How many are written so far.")
    pattern = serializers.CharField(allow_null=True)
    has_check = serializers.BooleanField()
    uses_per_code = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)
    forgets_texts = serializers.BooleanField()
    failure = serializers.CharField(allow_null=True, help_text="A sentence.")
    failure_code = serializers.ChoiceField(FAILURES, allow_null=True, help_text="Of an import.")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    exported_at = serializers.DateTimeField(allow_null=True)
    report = ImportReportOut(allow_null=True, help_text="Of an import.")

    def to_representation(self, instance: CodeBatch) -> dict[str, Any]:
        return super().to_representation(_row(instance))


def batch_as_data(batch: CodeBatch) -> dict[str, Any]:
    """The body of ``BatchOut``."""
    data: dict[str, Any] = BatchOut(batch).data
    return data


def _row(batch: CodeBatch) -> dict[str, Any]:
    fields = ("name", "state", "count", "made", "has_check", "uses_per_code", "expires_at", "forgets_texts", "created_at",
              "finished_at", "exported_at", "report")  # fmt: skip
    row = {name: getattr(batch, name) for name in fields}
    row |= {"id": batch.public_id, "incentive": batch.incentive.public_id}
    row |= {"pattern": batch.pattern or None, "failure": batch.failure or None, "failure_code": None}
    if batch.is_imported and batch.failure:
        row |= {"failure": why_import_failed(batch.failure), "failure_code": batch.failure}
    return row


class CsvBody(dict[str, Any]):
    """What identifies the call when it is repeated: the terms, and a hash of the file. ``file`` is the file itself."""

    file: BinaryIO
    size: int


class CsvParser(BaseParser):
    """A CSV file as the body, kept on disk when it is long. Nothing looks into it here; one that is too large is not read."""

    media_type = "text/csv"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> CsvBody:
        request = (parser_context or {})["request"]
        _check_length(announced_length(request))
        file = tempfile.SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115  (closed when it is forgotten)
        hashed, size = hashlib.sha256(), 0
        while piece := stream.read(64 * 1024):
            size += len(piece)
            _check_length(size)
            hashed.update(piece)
            file.write(piece)
        file.seek(0)
        body = CsvBody(sha256=hashed.hexdigest(), query=dict(request.query_params.items()))
        body.file, body.size = cast("BinaryIO", file), size
        return body


def _check_length(size: int) -> None:
    if size > operations.MOST_IMPORTED_BYTES:
        raise TooLarge(f"A file of codes has at most {operations.MOST_IMPORTED_BYTES // 1024 // 1024} MiB.")


class Batches(PartnerView, ListAPIView[CodeBatch]):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    serializer_class = BatchOut
    filter_backends: list[Any] = []

    def get_queryset(self) -> Any:
        asked = self.request.query_params
        state = asked.get("state", "")
        if state and state not in BatchState.values:
            raise Invalid(errors=[FieldError("/state", "unknown-value", f"One of: {', '.join(BatchState.values)}.")])
        found = queries.all_batches(state=state)
        if asked.get("incentive"):
            found = found.filter(incentive=queries.incentive_by_public_id(asked["incentive"]))
        if asked.get("campaign"):
            found = found.filter(incentive__campaign=queries.campaign_by_public_id(asked["campaign"]))
        return found

    @extend_schema(
        operation_id="codes_batches_list", parameters=[OpenApiParameter(name, str) for name in ("incentive", "campaign", "state")]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Batches of codes and how far they are, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(operation_id="codes_batches_create", request=BatchRequest, responses={202: BatchOut})
    def post(self, request: Request) -> Response:
        """Ask for unique codes of an incentive. They are made in the background: look at the batch until it is done."""
        wanted = BatchRequest.read(request.data)
        pattern = _pattern(wanted)
        terms = {name: value for name, value in wanted.items() if name not in {"incentive", "pattern", "prefix", "length"}}

        def work() -> tuple[int, dict[str, Any]]:
            incentive = queries.incentive_by_public_id(wanted["incentive"])
            batch = operations.order_codes(
                incentive=incentive, by=self.caller.actor, now=timezone.now(), pattern=pattern, **terms
            )
            return 202, batch_as_data(batch)

        return self.once(request, work)


def _pattern(wanted: Mapping[str, Any]) -> str:
    if ("pattern" in wanted) == ("length" in wanted) or ("pattern" in wanted and wanted.get("prefix")):
        raise Invalid(errors=[FieldError("/pattern", "one-of-two", "Either pattern, or length with prefix or without.")])
    return wanted["pattern"] if "pattern" in wanted else codes.pattern_of(wanted.get("prefix", ""), wanted["length"])


class BatchImport(PartnerView):
    required_scopes = {"POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    parser_classes = [CsvParser]

    @extend_schema(
        operation_id="codes_batches_import",
        parameters=[ImportQuery],
        request={"text/csv": OpenApiTypes.STR},
        responses={202: BatchOut},
    )
    def post(self, request: Request) -> Response:
        """Take over codes of another system: CSV with a column `code`, else the first one. They are read in the background: look
        at the batch until it is `done` or `failed`. Its `report` says which lines were refused.
        """
        if not isinstance(body := request.data, CsvBody):  # without a body nothing is parsed
            raise Invalid(errors=[FieldError("", "empty", "Send a CSV file as the body.")])

        def work() -> tuple[int, dict[str, Any]]:
            incentive = queries.incentive_by_public_id(wanted.pop("incentive"))
            batch = operations.order_import(
                incentive=incentive, file=body.file, size=body.size, by=self.caller.actor, now=timezone.now(), **wanted
            )
            return 202, batch_as_data(batch)

        with body.file:
            wanted = ImportQuery.read(body["query"])
            return self.once(request, work)


class BatchDetail(PartnerView):
    required_scopes = {"GET": Scope.CAMPAIGNS_READ}

    @extend_schema(operation_id="codes_batches_read", responses=BatchOut)
    def get(self, request: Request, public_id: str) -> Response:
        """One batch and how far it is."""
        return Response(batch_as_data(queries.batch_by_public_id(public_id)))


class BatchStep(PartnerView):
    """Pause, resume or cancel; one address each."""

    required_scopes = {"POST": Scope.CAMPAIGNS_WRITE}
    is_idempotent = True
    step = ""

    @extend_schema(request=None, responses=BatchOut)
    def post(self, request: Request, public_id: str) -> Response:
        """Make this step with a batch that is not done."""

        def work() -> tuple[int, dict[str, Any]]:
            batch, by = queries.batch_by_public_id(public_id), self.caller.actor
            match self.step:
                case "pause":
                    batch = operations.pause_batch(batch=batch, by=by)
                case "resume":
                    batch = operations.resume_batch(batch=batch, by=by)
                case "cancel":
                    batch = operations.cancel_batch(batch=batch, by=by, now=timezone.now())
            return 200, batch_as_data(batch)

        return self.once(request, work)


class BatchCodes(PartnerView):
    """Whoever may make codes may read them: a key that only reads campaigns may not."""

    required_scopes = {"GET": Scope.CAMPAIGNS_WRITE}

    @extend_schema(
        operation_id="codes_batches_codes",
        parameters=[OpenApiParameter("format", exclude=True)],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> StreamingHttpResponse:
        """All codes of a batch that is done, as CSV: `code,uses_left,expires_at`. Who took them is written down."""
        batch = queries.batch_by_public_id(public_id)
        operations.begin_export(batch=batch, by=self.caller.actor, now=timezone.now())
        return csv_download(batch)


def csv_download(batch: CodeBatch) -> StreamingHttpResponse:
    response = StreamingHttpResponse(queries.codes_as_csv(batch), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="codes-{batch.public_id}.csv"'
    return response
