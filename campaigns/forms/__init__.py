"""What a person types in the campaign editor, step by step, as the language of ``campaigns.rules`` and back."""

from .audience import AudienceForm
from .channels import ChannelsForm
from .goal import GoalForm
from .incentive import IncentiveForm
from .placing import place_errors
from .stacking import StackingForm

__all__ = ["AudienceForm", "ChannelsForm", "GoalForm", "IncentiveForm", "StackingForm", "place_errors"]
