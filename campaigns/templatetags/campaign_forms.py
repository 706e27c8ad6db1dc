"""Choices as cards, each with a sentence that says what choosing it means."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from campaigns.wording import given_in_words

register = template.Library()

# What each choice means, by field and value. A group of an operator's own has no sentence here and shows its name only.
MEANINGS = {
    "goal": {
        "acquisition": (_("A first contact, a first purchase."), "user-plus"),
        "activation": (_("From signing up to buying."), "bolt"),
        "sales": (_("More purchases or larger ones."), "shopping-cart"),
        "engagement": (_("Newsletter, social media, surveys."), "message-circle"),
        "referral": (_("Customers bring their friends."), "share"),
        "retention": (_("Reward those who come back."), "heart"),
        "win_back": (_("Reach those who stopped coming."), "repeat"),
    },
    "kind": {
        "percent_off": (_("For example 15 % of what it is taken off."), "percentage"),
        "amount_off": (_("For example 5.00, once or on every piece."), "cash"),
        "fixed_price": (_("Certain articles for 9.90 each, or the order for 50.00."), "tag"),
        "bundle_price": (_("Any 3 pieces for 10.00 together."), "package"),
        "buy_get": (_("3 for 2, or buy shoes and get socks at half price."), "gift"),
        "free_item": (_("An article is added and costs nothing."), "confetti"),
        "upgrade": (_("The better article at the price of the plainer one."), "arrow-up"),
        "stored_value": (_("A gift card, credit or points pay a part."), "wallet"),
        "tiers": (_("5 % off from 50.00, 10 % from 100.00."), "trending-up"),
        "compound": (_("For example 10 % off and no shipping costs."), "stack-2"),
        "awards_only": (_("Only points, credit, entries, access or another incentive."), "star"),
    },
    "claim": {
        "automatic": (_("It applies by itself whenever the conditions are met."), "bolt"),
        "code": (_("A word such as SUMMER10, said at the till or typed online."), "hash"),
        "grant": (_("Given to customers one by one; each has an own code and QR."), "wallet"),
    },
    "group": {
        "common": (_("Adds up with other incentives on the same order."), "stack-2"),
        "exclusive": (_("If it applies, the combinable ones are left out."), "lock"),
        "always": (_("Applies whatever else does, also beside one that applies alone."), "circle-check"),
    },
}


@register.inclusion_tag("campaigns/edit/_choice_cards.html")
def choice_cards(
    field: BoundField, meanings: dict[str, str] | None = None, texts: dict[str, str] | None = None
) -> dict[str, Any]:
    """Radio buttons as cards. ``meanings`` (optional) maps a value to the key under which its meaning is known.

    ``texts`` (optional) says what a value means in words of its own.
    """
    known = MEANINGS.get(field.name.rpartition("-")[2], {})
    cards = []
    for choice in field:
        value = str(choice.data["value"])
        text, icon = known.get((meanings or {}).get(value, value), ("", ""))
        text = (texts or {}).get(value, text)
        cards.append(
            {
                "id": choice.id_for_label,
                "name": choice.data["name"],
                "value": value,
                "ticked": choice.data["selected"],
                "label": choice.choice_label,
                "text": text,
                "icon": icon,
            }
        )
    return {"field": field, "cards": cards}


@register.filter
def gives(awards: Sequence[Mapping[str, Any]], currency: str) -> str:
    """``{{ item.awards|gives:"EUR" }}``: what an applied incentive gives beside the price, in words."""
    return given_in_words(awards, currency, {})
