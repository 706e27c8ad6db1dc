"""The kinds of place where a customer and the company meet."""

import enum


class ChannelKind(enum.StrEnum):
    WEB = "web"
    APP = "app"
    EMAIL = "email"
    STORE = "store"
    SOCIAL = "social"
    CALL_CENTRE = "call_centre"
    MAIL = "mail"
