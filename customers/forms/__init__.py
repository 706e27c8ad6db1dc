"""What people type about customers."""

from ._preferences import ConsentForm, PreferencesForm, kind_labels

__all__ = ["ConsentForm", "PreferencesForm", "kind_labels"]
