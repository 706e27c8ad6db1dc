"""The directory over the API: read, and brought up to date by another system."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from incentives_site.integrations.api.views import PartnerView
from incentives_site.integrations.models import Scope
from incentives_site.shared.pagination import CursorPagination
from incentives_site.shared.serializers import StrictSerializer
from surveys import operations
from surveys.models import Department, Employee


class EmployeeSerializer(serializers.Serializer[Any]):
    """``department`` is its way from the top, as ``PUT`` takes it."""

    key = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    department = serializers.SerializerMethodField()
    manager = serializers.CharField(source="manager.key", default="")
    location = serializers.CharField()
    language = serializers.CharField()
    started_on = serializers.DateField(allow_null=True)
    is_active = serializers.BooleanField()

    def get_department(self, employee: Employee) -> str:
        names: dict[str, str] = self.context["departments"]
        return "/".join(names.get(key, key) for key in employee.department.path)


class EmployeeIn(StrictSerializer):
    key = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=200)
    email = serializers.CharField(max_length=254)
    department = serializers.CharField(max_length=2_000, help_text="Its way from the top: `Company/Sales/North`.")
    manager = serializers.CharField(max_length=64, required=False, allow_blank=True, help_text="A key.")
    location = serializers.CharField(max_length=100, required=False, allow_blank=True)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True)
    started_on = serializers.CharField(max_length=10, required=False, allow_blank=True, allow_null=True)


class EmployeesRequest(StrictSerializer):
    employees = EmployeeIn(many=True)
    deactivates_missing = serializers.BooleanField(default=False, help_text="Whoever is not among them is not asked any more.")
    is_dry_run = serializers.BooleanField(default=False)


class BroughtInOut(serializers.Serializer[Any]):
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    same = serializers.IntegerField()
    deactivated = serializers.IntegerField()
    departments = serializers.IntegerField()


class Employees(PartnerView, ListAPIView[Employee]):
    required_scopes = {"GET": Scope.EMPLOYEES, "PUT": Scope.EMPLOYEES}
    serializer_class = EmployeeSerializer
    pagination_class = CursorPagination
    queryset = Employee.objects.select_related("department", "manager")
    filter_backends = []

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "departments": dict(Department.objects.values_list("key", "name"))}

    @extend_schema(operation_id="employees_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who is in the directory."""
        return super().get(request, *args, **kwargs)

    @extend_schema(operation_id="employees_put", request=EmployeesRequest, responses=BroughtInOut)
    def put(self, request: Request) -> Response:
        """Bring the directory up to date: all of them or none; the same again changes nothing."""
        form = EmployeesRequest(data=request.data)
        form.is_valid(raise_exception=True)
        done = operations.bring_in_employees(
            rows=form.validated_data["employees"],
            deactivates_missing=form.validated_data["deactivates_missing"],
            is_dry_run=form.validated_data["is_dry_run"],
            by=self.caller.actor,
        )
        return Response(BroughtInOut(done).data)
