"""What people type about customers."""

from ._preferences import ConsentForm, ErasureForm, PreferencesForm, kind_labels

__all__ = ["ConsentForm", "ErasureForm", "PreferencesForm", "kind_labels"]
