"""The plain valid rows of surveys; traits are their states."""

import datetime
from typing import Any

import factory

from customers.tests.factories import NOON
from surveys import operations, sealing
from surveys.models import Department, Employee, Invitation, Survey, SurveyQuestion, SurveyStatus, Wave


class DepartmentFactory(factory.django.DjangoModelFactory[Department]):
    class Meta:
        model = Department
        django_get_or_create = ("key",)

    key = "sales"
    name = factory.LazyAttribute(lambda o: o.key.capitalize())
    path = factory.LazyAttribute(lambda o: [*(o.parent.path if o.parent else []), o.key])
    parent = None


class EmployeeFactory(factory.django.DjangoModelFactory[Employee]):
    class Meta:
        model = Employee

    key = factory.Sequence(lambda n: f"e{n}")
    name = factory.Sequence(lambda n: f"Employee {n}")
    email = factory.LazyAttribute(lambda o: f"{o.key}@company.test")
    department = factory.SubFactory(DepartmentFactory)
    language = "en"


class SurveyFactory(factory.django.DjangoModelFactory[Survey]):
    """A running eNPS survey with its one question."""

    class Meta:
        model = Survey
        skip_postgeneration_save = True

    kind = "enps"
    title = factory.LazyFunction(lambda: {"en": "How are we doing?"})
    languages = factory.LazyFunction(lambda: ["en"])
    status = SurveyStatus.RUNNING
    created_by = "test"
    created_at = NOON

    @factory.post_generation
    def asked(self: Any, create: bool, extracted: Any, **_more: Any) -> None:
        for position, fields in enumerate(extracted if extracted is not None else [{"key": "score", "has_comment": True}]):
            SurveyQuestion.objects.create(
                survey=self,
                position=position,
                **{"kind": "enps", "texts": {"en": "Would you recommend us?"}, **fields},
            )


def opened(survey: Survey | None = None, *, at: datetime.datetime = NOON) -> Wave:
    return operations.open_wave(survey=survey or SurveyFactory(), opens_at=at, now=at)


def link_of(invitation: Invitation) -> str:
    return sealing.invitation_token(invitation.pk)


def answered(
    wave: Wave, values: dict[str, Any], comments: dict[str, str] | None = None, *, by: Employee | None = None
) -> Invitation:
    """One of those who have not answered (or ``by``) answers."""
    waiting = Invitation.objects.filter(wave=wave, is_used=False)
    invitation = waiting.get(employee=by) if by else waiting.order_by("employee__key").first()
    assert invitation is not None
    operations.answer(token=link_of(invitation), values=values, comments=comments or {}, now=wave.opens_at)
    return invitation


def closed(wave: Wave) -> Wave:
    assert operations.close_wave(wave=wave, now=wave.closes_at)
    wave.refresh_from_db()
    return wave
