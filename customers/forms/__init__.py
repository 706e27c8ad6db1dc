"""What people type about customers."""

from ._identity import ReasonForm
from ._imports import CustomerFileForm, MeaningsForm
from ._preferences import ConsentForm, DataRequestForm, ErasureForm, PreferencesForm, SettlementForm, kind_labels
from ._segments import ListForm, RuleForm, SegmentForm

__all__ = [
    "ConsentForm",
    "CustomerFileForm",
    "DataRequestForm",
    "ErasureForm",
    "ListForm",
    "MeaningsForm",
    "PreferencesForm",
    "ReasonForm",
    "RuleForm",
    "SegmentForm",
    "SettlementForm",
    "kind_labels",
]
