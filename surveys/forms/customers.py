"""A survey of customers: what is asked, by which campaign, and what is promised for answering."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, Incentive, Status
from campaigns.models import Claim as HowClaimed

from ..models import Mode
from ..rules.ready_made import CUSTOMERS

RUNS = (Status.SCHEDULED, Status.LIVE, Status.PAUSED)
MODES = (
    (Mode.NAMED.value, _("Who was asked: by a link of their own, after an order or a visit")),
    (Mode.ANONYMOUS.value, _("Everybody: by a poster or a receipt, without saying who they are")),
)


class CustomerSurveyForm(forms.Form):
    campaign = forms.ModelChoiceField(Campaign.objects.none(), label=_("Campaign"))
    asks = forms.ChoiceField(
        label=_("Question"), choices=[(one.key, one.purpose) for one in CUSTOMERS.values()], widget=forms.RadioSelect
    )
    mode = forms.ChoiceField(label=_("Who answers"), choices=MODES, widget=forms.RadioSelect)
    incentive = forms.ModelChoiceField(
        Incentive.objects.none(),
        label=_("Promised for answering"),
        required=False,
        empty_label=_("Nothing"),
        help_text=_("Given once, whatever was answered. It has to be one that goes into the wallet."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns = Campaign.objects.filter(status__in=RUNS).order_by("-id")
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]
        promised = Incentive.objects.filter(campaign__in=campaigns, claim=HowClaimed.GRANT).select_related("campaign")
        self.fields["incentive"].queryset = promised  # type: ignore[attr-defined]
        self.fields["incentive"].label_from_instance = lambda row: f"{row.campaign.name}: {row.name}"  # type: ignore[attr-defined]
        for name in ("campaign", "incentive"):
            self.fields[name].widget.attrs["class"] = "form-select"

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        campaign, incentive = given.get("campaign"), given.get("incentive")
        if campaign and incentive and incentive.campaign_id != campaign.pk:
            self.add_error("incentive", _("It belongs to another campaign."))
        return given
