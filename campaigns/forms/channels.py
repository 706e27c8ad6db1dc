"""Where the campaign happens."""

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import Channel

POINTERS = {"/channels": "channels"}


class ChannelsForm(forms.Form):
    channels = forms.MultipleChoiceField(label=_("Channels"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: object, offered: Sequence[Channel], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.offered = {channel.key: channel for channel in offered}
        self.fields["channels"].choices = [(channel.key, channel.name) for channel in offered]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> list[Channel]:
        return [self.offered[key] for key in self.cleaned_data["channels"]]
