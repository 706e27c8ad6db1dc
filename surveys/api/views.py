"""Customer feedback from a partner's own form."""

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from customers import queries as customer_queries
from customers.api.references import CustomerReferenceSerializer, find
from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.serializers import StrictSerializer
from surveys import operations, queries
from surveys.models import Feedback


class AnswerRequest(StrictSerializer):
    customer = CustomerReferenceSerializer()
    occasion = serializers.CharField(max_length=80, help_text="What is asked about: an order, a visit. Answered once.")
    order = serializers.CharField(max_length=100, required=False, allow_blank=True)
    channel = serializers.CharField(max_length=64, required=False)
    answers = serializers.DictField(help_text="By the keys of the survey's questions.")
    review = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class AnswerOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    survey = serializers.UUIDField()
    occasion = serializers.CharField()
    score = serializers.IntegerField(allow_null=True)
    answered_at = serializers.DateTimeField()


class AskRequest(StrictSerializer):
    customer = CustomerReferenceSerializer()
    occasion = serializers.CharField(max_length=80, help_text="What is asked about: an order, a visit. Asked once.")
    order = serializers.CharField(max_length=100, required=False, allow_blank=True)


class AskOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    survey = serializers.UUIDField()
    occasion = serializers.CharField()
    url = serializers.URLField(help_text="The customer's own page to answer on: a secret of the customer.")
    is_new = serializers.BooleanField()
    is_answered = serializers.BooleanField()


class Requests(PartnerView):
    required_scopes = {"POST": Scope.SURVEYS}
    is_idempotent = True

    @extend_schema(operation_id="survey_requests_create", request=AskRequest, responses={201: AskOut})
    def post(self, request: Request, public_id: str) -> Response:
        """Ask a customer, and put the link into a message or onto a receipt of yours. The same occasion again: the same link."""
        form = AskRequest(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data

        def work() -> tuple[int, dict[str, Any]]:
            feedback, is_new = _asked(public_id, given)
            body = {
                "id": str(feedback.public_id),
                "survey": str(feedback.survey.public_id),
                "occasion": feedback.occasion,
                "url": settings.BASE_URL + operations.feedback_url(feedback),
                "is_new": is_new,
                "is_answered": feedback.answered_at is not None,
            }
            return 201, body

        return self.once(request, work)


def _asked(public_id: str, given: dict[str, Any]) -> tuple[Feedback, bool]:
    try:
        survey = queries.survey_by_public_id(uuid.UUID(public_id))
    except ValueError:
        raise queries.SurveyUnknown from None
    customer = find(given["customer"])
    if customer is None:
        raise customer_queries.CustomerUnknown
    return operations.ask(
        survey=survey, customer=customer, occasion=given["occasion"], order_key=given.get("order", ""), now=timezone.now()
    )


class Answers(PartnerView):
    required_scopes = {"POST": Scope.SURVEYS}
    is_idempotent = True

    @extend_schema(operation_id="survey_answers_create", request=AnswerRequest, responses={201: AnswerOut})
    def post(self, request: Request, public_id: str) -> Response:
        """What a customer answered in a form of yours. What the survey promises for answering is granted, once."""
        form = AnswerRequest(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data

        def work() -> tuple[int, dict[str, Any]]:
            now = timezone.now()
            feedback, _is_new = _asked(public_id, given)
            kept = operations.give_feedback(
                feedback=feedback,
                values=given["answers"],
                review=given.get("review", ""),
                channel=customer_queries.channel(self.channel_key(given.get("channel"))),
                source=self.caller.partner.key,
                by=self.caller.actor,
                now=now,
            )
            body = {
                "id": str(kept.public_id),
                "survey": str(feedback.survey.public_id),
                "occasion": kept.occasion,
                "score": kept.score,
                "answered_at": now.isoformat(),
            }
            return 201, body

        return self.once(request, work)
