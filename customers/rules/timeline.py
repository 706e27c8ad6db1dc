"""What can stand on a timeline."""

import enum


class EventType(enum.StrEnum):
    TRACK = "track"
    IDENTIFY = "identify"
    SEEN = "seen"
    CLICKED = "clicked"
    BOUGHT = "bought"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REDEEMED = "redeemed"
    RETURNED = "returned"
    ANSWERED = "answered"
    OPTED_OUT = "opted_out"
