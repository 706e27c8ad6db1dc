"""What results may be divided by, in words."""

from django.utils.translation import gettext_lazy

DIMENSION_WORDS = {
    "department": gettext_lazy("Department"),
    "manager": gettext_lazy("Manager"),
    "location": gettext_lazy("Location"),
    "tenure": gettext_lazy("Years here"),
    "language": gettext_lazy("Language"),
}
