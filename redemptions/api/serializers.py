"""Quotes, redemptions, returns and results as partners write and read them."""

import datetime
from typing import Any

from rest_framework import serializers

from campaigns.api.serializers import DecisionOut
from customers.api.references import CustomerReferenceSerializer
from incentives_site.shared.serializers import StrictSerializer
from redemptions import queries
from redemptions.models import Redemption, Reservation, Return


class QuoteRequest(StrictSerializer):
    """A basket, who brings it, and the codes shown. ``basket`` is ``{"lines": […], "shipping": […]}``."""

    currency = serializers.CharField(max_length=3, required=False)
    basket = serializers.DictField()
    customer = CustomerReferenceSerializer(required=False, allow_null=True)
    codes = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=30)
    channel = serializers.CharField(max_length=64, required=False)
    store = serializers.CharField(max_length=64, required=False)
    tenders = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        max_length=5,
        help_text="What pays: `{type: points | credit | gift_card, amount?, code?}`; after every discount.",
    )
    at = serializers.DateTimeField(required=False, help_text="Another instant than now; needs the scope `simulate`.")
    campaigns = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=50,
        help_text="Ids of campaigns, also drafts, to be considered as if they were live; needs the scope `simulate`.",
    )


class OrderSerializer(StrictSerializer):
    id = serializers.CharField(max_length=100)
    placed_at = serializers.DateTimeField(required=False)


class RedemptionRequest(QuoteRequest):
    # What is imagined cannot be redeemed.
    at = campaigns = None  # type: ignore[assignment]
    order = OrderSerializer()
    expected_discount = serializers.IntegerField(
        required=False, min_value=0, help_text="What the customer was told; another amount answers 409 `decision-changed`."
    )
    expected_payable = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="What was left to pay, after `tenders`; another amount answers 409 `decision-changed`.",
    )
    accept_changes = serializers.BooleanField(required=False, default=False)
    reservation = serializers.CharField(max_length=64, required=False, help_text="What it holds is used first.")


class ReservationRequest(QuoteRequest):
    at = campaigns = None  # type: ignore[assignment]
    order = OrderSerializer()
    expires_in = serializers.IntegerField(
        required=False, default=900, min_value=1, max_value=604_800, help_text="Seconds, at most 7 days."
    )


class ReservationOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    order = OrderSerializer()
    channel = serializers.CharField()
    store = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    expires_at = serializers.DateTimeField()
    decision = DecisionOut()


class ReturnLineRequest(StrictSerializer):
    line = serializers.CharField(max_length=200)
    quantity = serializers.IntegerField(min_value=1)


class ReturnRequest(StrictSerializer):
    """Either ``everything``, with its shipping, or some units of some lines."""

    everything = serializers.BooleanField(required=False, default=False)
    lines = serializers.ListField(child=ReturnLineRequest(), required=False, max_length=1000)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    expected_amount = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The money that was told; another amount answers 409 `return-changed` with `preview`, and returns nothing.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["everything"] is bool(attrs.get("lines")):
            raise serializers.ValidationError(
                {"lines": serializers.ErrorDetail("Say what is returned: everything, or units of lines.", code="one-of")}
            )
        names = [line["line"] for line in attrs.get("lines", [])]
        if len(set(names)) < len(names):
            raise serializers.ValidationError({"lines": serializers.ErrorDetail("A line stands here twice.", code="repeated")})
        return attrs


class ChangedOut(serializers.Serializer[Any]):
    grants_used = serializers.ListField(child=serializers.CharField())
    codes_used = serializers.ListField(child=serializers.CharField())
    paid_with = serializers.ListField(child=serializers.DictField(), help_text="Stored value that paid: type, amount, units.")
    earned = serializers.ListField(child=serializers.DictField(), help_text="Points, credit and entries that were booked.")


class RedemptionOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    order = OrderSerializer()
    customer = serializers.DictField(allow_null=True)
    channel = serializers.CharField()
    store = serializers.CharField(allow_null=True)
    redeemed_at = serializers.DateTimeField()
    returned_at = serializers.DateTimeField(allow_null=True)
    decision = DecisionOut()
    changed = ChangedOut()


class FiguresOut(serializers.Serializer[Any]):
    """Amounts are minor units; ``granted`` is null when the source does not say who held what."""

    granted = serializers.IntegerField(allow_null=True)
    redeemers = serializers.IntegerField()
    redemptions = serializers.IntegerField()
    discount = serializers.IntegerField()
    discount_unrecorded = serializers.IntegerField(help_text="Redemptions whose discount the source did not record.")
    revenue = serializers.IntegerField()


class ResultTotalsOut(FiguresOut):
    targeted = serializers.IntegerField()
    redemption_rate = serializers.DecimalField(7, 6, allow_null=True)


class ByChannelOut(FiguresOut):
    channel = serializers.CharField()
    name = serializers.CharField()


class ByIncentiveOut(FiguresOut):
    incentive = serializers.UUIDField()
    key = serializers.CharField()
    name = serializers.CharField()
    redemption_rate = serializers.DecimalField(7, 6, allow_null=True)


class ByDayOut(serializers.Serializer[Any]):
    on = serializers.DateField()
    redemptions = serializers.IntegerField()
    discount = serializers.IntegerField()
    revenue = serializers.IntegerField()


class ResultsOut(serializers.Serializer[Any]):
    """What a campaign brought. Revenue is attributed, not incremental."""

    campaign = serializers.UUIDField()
    currency = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    totals = ResultTotalsOut()
    by_channel = ByChannelOut(many=True)
    by_incentive = ByIncentiveOut(many=True)
    by_day = ByDayOut(many=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """``from`` and ``to`` are words of Python, so they are renamed here."""
        names = {"since": "from", "until": "to"}
        fields = super().get_fields()
        for name in names:
            fields[name].source = name
        return {names.get(name, name): field for name, field in fields.items()}


class ResultsQuery(serializers.Serializer[Any]):
    since = serializers.DateTimeField(required=False, allow_null=True)
    until = serializers.DateTimeField(required=False, allow_null=True)


class ReturnOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    redemption = serializers.UUIDField()
    everything = serializers.BooleanField()
    amount = serializers.IntegerField(help_text="Money to pay back.")
    stored_value = serializers.IntegerField(help_text="Paid back as points, credit or onto a gift card.")
    lines = serializers.ListField(child=serializers.DictField())
    effects = serializers.DictField(help_text="Stored value, points taken back, incentives whose conditions broke.")
    currency = serializers.CharField()
    returned_at = serializers.DateTimeField()


def redemption_as_data(redemption: Redemption) -> dict[str, Any]:
    """The body of ``RedemptionOut``; the decision is given as it was stored."""
    applied = redemption.decision.get("applied", [])
    return {
        "id": str(redemption.public_id),
        "order": {"id": redemption.order_key, "placed_at": _instant(redemption.placed_at)},
        "customer": {"id": str(redemption.customer.public_id)} if redemption.customer else None,
        "channel": redemption.channel.key,
        "store": redemption.store.key if redemption.store else None,
        "redeemed_at": _instant(redemption.redeemed_at),
        "returned_at": _instant(redemption.returned_at),
        "decision": redemption.decision,
        "changed": {
            "grants_used": [item["grant"] for item in applied if "grant" in item],
            "codes_used": [item["code"] for item in applied if "code" in item],
            **queries.value_moved(redemption),
        },
    }


def reservation_as_data(reservation: Reservation) -> dict[str, Any]:
    """The body of ``ReservationOut``."""
    return {
        "id": str(reservation.public_id),
        "order": {"id": reservation.order_key},
        "channel": reservation.channel.key if reservation.channel else None,
        "store": reservation.store.key if reservation.store else None,
        "state": reservation.state,
        "expires_at": _instant(reservation.expires_at),
        "decision": reservation.decision,
    }


def return_as_data(given: Return) -> dict[str, Any]:
    """The body of ``ReturnOut``."""
    return {
        "id": str(given.public_id),
        "redemption": str(given.redemption.public_id),
        "everything": given.everything,
        "amount": given.amount,
        "stored_value": given.stored_value,
        "lines": [
            {"line": row.line.line, "quantity": row.quantity, "amount": row.payable, "stored_value": row.stored_value}
            for row in given.lines.select_related("line")
        ],
        "effects": given.effects,
        "currency": given.redemption.currency,
        "returned_at": _instant(given.returned_at),
    }


def _instant(value: datetime.datetime | None) -> Any:
    return None if value is None else serializers.DateTimeField(default_timezone=datetime.UTC).to_representation(value)
