"""Surveys, waves and what may be shown of them, for personnel systems: the figures of the pages, through the same function."""

import uuid
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.pagination import CursorPagination
from surveys import operations, queries
from surveys.models import Survey, SurveyKind, Wave
from surveys.queries import WHOLE, Place
from surveys.rules.publishing import DIMENSIONS
from surveys.rules.uniformity import BANDS


class ParticipationSerializer(serializers.Serializer[Any]):
    """Percentages: a band from 5 people on, from 10 both are the same."""

    at_least = serializers.CharField()
    at_most = serializers.CharField()


class SurveySerializer(serializers.ModelSerializer[Survey]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    title = serializers.DictField(child=serializers.CharField(), help_text="By language.")

    class Meta:
        model = Survey
        fields = ["id", "kind", "title", "status", "mode", "k", "every", "anchor_on", "opens_at", "time_zone", "open_days"]


class QuestionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    kind = serializers.CharField()
    text = serializers.DictField(source="texts", child=serializers.CharField(), help_text="By language.")


class SurveyDetailSerializer(SurveySerializer):
    """``questions`` are its own, and those whose turn it is in the bank."""

    questions = serializers.SerializerMethodField()

    class Meta(SurveySerializer.Meta):
        fields = [*SurveySerializer.Meta.fields, "questions"]

    @extend_schema_field(QuestionSerializer(many=True))
    def get_questions(self, survey: Survey) -> Any:
        return QuestionSerializer(operations.questions_of(survey), many=True).data


class WaveSerializer(serializers.ModelSerializer[Wave]):
    """``participation`` is null while it is open, and where too few were invited."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    last_day = serializers.DateField(read_only=True)
    participation = serializers.SerializerMethodField()

    class Meta:
        model = Wave
        fields = ["id", "number", "state", "opens_at", "closes_at", "last_day", "published_at", "invited", "participation"]

    @extend_schema_field(ParticipationSerializer(allow_null=True))
    def get_participation(self, wave: Wave) -> Any:
        return operations.participation_as_data(wave)


class GroupSerializer(serializers.Serializer[Any]):
    """``group`` is the directory's key; ``includes`` are the keys of the groups that are shown together only."""

    dimension = serializers.CharField()
    group = serializers.CharField()
    name = serializers.CharField()
    includes = serializers.ListField(child=serializers.CharField())


class GroupParticipationSerializer(GroupSerializer):
    participation = ParticipationSerializer(allow_null=True)


class WaveDetailSerializer(WaveSerializer):
    questions = QuestionSerializer(many=True)
    groups = serializers.SerializerMethodField()

    class Meta(WaveSerializer.Meta):
        fields = [*WaveSerializer.Meta.fields, "mode", "k", "questions", "groups"]

    @extend_schema_field(GroupParticipationSerializer(many=True))
    def get_groups(self, wave: Wave) -> Any:
        return [
            {**group, "participation": operations.participation_as_data(wave, Place(group["dimension"], group["group"]))}
            for group in groups(wave)
        ]


class ScoreSerializer(serializers.Serializer[Any]):
    """From −100 to 100; ``low`` and ``high`` with 95 % certainty. How many gave it is null where the score alone is shown."""

    value = serializers.IntegerField()
    low = serializers.IntegerField()
    high = serializers.IntegerField()
    promoters = serializers.IntegerField(allow_null=True)
    passives = serializers.IntegerField(allow_null=True)
    detractors = serializers.IntegerField(allow_null=True)


class AnswerTimesSerializer(serializers.Serializer[Any]):
    answer = serializers.CharField()
    times = serializers.IntegerField()


class FigureSerializer(GroupSerializer):
    """All null: not enough answers. ``dimension`` and ``group`` are empty for everybody. ``distribution`` is by answer, by class
    (``low``, ``middle``, ``high``; of a score ``promoters``, ``passives``, ``detractors``), or empty where only the score or the
    mean is shown.
    """

    answered = serializers.IntegerField(allow_null=True)
    score = ScoreSerializer(allow_null=True)
    mean = serializers.CharField(allow_null=True)
    distribution = AnswerTimesSerializer(many=True, allow_null=True)


class QuestionResultsSerializer(QuestionSerializer):
    figures = FigureSerializer(many=True)


class ResultsSerializer(serializers.Serializer[Any]):
    """``note`` says so where there is nothing to show; why is not said."""

    survey = serializers.UUIDField()
    wave = serializers.UUIDField()
    number = serializers.IntegerField()
    state = serializers.CharField()
    participation = ParticipationSerializer(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    questions = QuestionResultsSerializer(many=True)


def groups(wave: Wave) -> list[dict[str, Any]]:
    """What is shown by itself, as the directory calls it."""
    others = queries.others_shown(wave)
    return [
        {"dimension": dimension, "group": key, "name": name, "includes": others.get(dimension, {}).get(key, [])}
        for dimension in DIMENSIONS
        for key, name in queries.names_shown(wave, dimension)
    ]


def figure(wave: Wave, item: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    found = queries.answered(wave, item, Place(group["dimension"], group["group"]) if group["group"] else WHOLE)
    score, rating = found.score, found.rating
    return {
        **group,
        "answered": found.answered,
        "score": score
        and {
            "value": score.shown,
            "low": score.low,
            "high": score.high,
            **{band: getattr(score.counts, band) if score.counts else None for band in BANDS},
        },
        "mean": f"{rating.mean:.2f}" if rating is not None and rating.mean is not None else None,
        "distribution": [{"answer": label, "times": times} for label, times in found.keyed] if found.is_enough else None,
    }


class SurveyView(PartnerView):
    required_scopes = {"GET": Scope.SURVEY_RESULTS}

    def survey(self, public_id: str) -> Survey:
        """Raises ``SurveyUnknown``, also for what is asked of customers: that is not of employees."""
        try:
            found = queries.survey_by_public_id(uuid.UUID(public_id))
        except ValueError:
            raise queries.SurveyUnknown from None
        if found.kind == SurveyKind.FEEDBACK:
            raise queries.SurveyUnknown
        return found

    def wave(self, public_id: str, number: str) -> Wave:
        """Raises ``SurveyUnknown`` and ``WaveUnknown``."""
        return queries.wave_of(self.survey(public_id), number)


class Surveys(PartnerView, ListAPIView[Survey]):
    required_scopes = {"GET": Scope.SURVEY_RESULTS}
    serializer_class = SurveySerializer
    pagination_class = CursorPagination
    filter_backends: list[Any] = []
    queryset = Survey.objects.exclude(kind=SurveyKind.FEEDBACK)

    @extend_schema(operation_id="surveys_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What employees are asked, newest first."""
        return super().get(request, *args, **kwargs)


class SurveyDetail(SurveyView):
    @extend_schema(operation_id="surveys_read", responses=SurveyDetailSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """One survey with what it asks."""
        return Response(SurveyDetailSerializer(self.survey(public_id)).data)


class Waves(SurveyView, ListAPIView[Wave]):
    serializer_class = WaveSerializer
    pagination_class = CursorPagination
    filter_backends: list[Any] = []
    queryset = Wave.objects.none()

    def get_queryset(self) -> Any:
        return Wave.objects.filter(survey=self.survey(self.kwargs["public_id"])).select_related("survey")

    @extend_schema(operation_id="survey_waves_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Its waves, newest first."""
        return super().get(request, *args, **kwargs)


class WaveDetail(SurveyView):
    @extend_schema(operation_id="survey_waves_read", responses=WaveDetailSerializer)
    def get(self, request: Request, public_id: str, number: str) -> Response:
        """One wave: what was asked, and how many took part, as far as that may be shown."""
        return Response(WaveDetailSerializer(self.wave(public_id, number)).data)


class Results(SurveyView):
    @extend_schema(operation_id="survey_waves_results", responses=ResultsSerializer)
    def get(self, request: Request, public_id: str, number: str) -> Response:
        """What may be shown of a wave: what its page shows, and nothing else. Groups that are not shown are not here."""
        wave = self.wave(public_id, number)
        places = [{"dimension": "", "group": "", "name": "", "includes": []}, *groups(wave)]
        asked = [item for item in wave.questions if item["kind"] != "text"]
        answered = [{**item, "figures": [figure(wave, item, place) for place in places]} for item in asked]
        is_enough = any(one["figures"][0]["answered"] is not None for one in answered)
        body = {
            "survey": wave.survey.public_id,
            "wave": wave.public_id,
            "number": wave.number,
            "state": wave.state,
            "participation": operations.participation_as_data(wave),
            "note": "" if is_enough else "not enough answers",
            "questions": answered,
        }
        return Response(ResultsSerializer(body).data)
