"""What people type about customers."""

from ._identity import ReasonForm
from ._preferences import ConsentForm, ErasureForm, PreferencesForm, kind_labels

__all__ = ["ConsentForm", "ErasureForm", "PreferencesForm", "ReasonForm", "kind_labels"]
