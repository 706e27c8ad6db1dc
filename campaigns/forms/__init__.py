"""What a person types in the campaign editor, step by step, as the language of ``campaigns.rules`` and back."""

from .channels import ChannelsForm
from .conditions import ConditionsForm, audience_form
from .goal import GoalForm
from .incentive import IncentiveForm
from .placing import place_errors
from .stacking import GroupForm, StackingForm

__all__ = [
    "ChannelsForm",
    "ConditionsForm",
    "GoalForm",
    "GroupForm",
    "IncentiveForm",
    "StackingForm",
    "audience_form",
    "place_errors",
]
