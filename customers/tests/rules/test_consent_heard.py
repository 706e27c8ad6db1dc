"""What events say about consent: worked by hand."""

from typing import Any

import pytest

from customers.rules.consent_heard import heard_in_event, heard_in_traits

CHANNELS = {"shop": "web", "news": "email", "tips": "email", "post": "mail", "app": "app"}
NO_MAIL = {"shop": "web"}


@pytest.mark.parametrize(
    ("name", "properties", "own", "channels", "expected"),
    [
        ("Unsubscribed", {}, "news", CHANNELS, [("news/marketing/*", False)]),
        ("Unsubscribed", {}, "shop", CHANNELS, [("news/marketing/*", False), ("tips/marketing/*", False)]),
        ("Unsubscribed", {}, "shop", {"shop": "web", "post": "mail"}, [("post/marketing/*", False)]),
        ("Unsubscribed", {}, "shop", NO_MAIL, [("*/marketing/*", False)]),
        ("Unsubscribed", {"channel": "app"}, "shop", CHANNELS, [("app/marketing/*", False)]),
        ("Unsubscribed", {"channel": "*"}, "news", CHANNELS, [("*/marketing/*", False)]),
        ("Unsubscribed", {"channel": "nowhere"}, "news", CHANNELS, [("news/marketing/*", False)]),
        ("Unsubscribed", {"channel": "nowhere"}, "shop", NO_MAIL, [("*/marketing/*", False)]),
        ("Unsubscribed", {"channel": ["news"]}, "news", CHANNELS, [("news/marketing/*", False)]),
        ("Unsubscribed", {"purpose": "research"}, "news", CHANNELS, [("news/research/*", False)]),
        ("Unsubscribed", {"purpose": {}}, "news", CHANNELS, [("news/marketing/*", False)]),
        ("Email Marked as Spam", {}, "news", CHANNELS, [("news/marketing/*", False)]),
        ("Subscribed", {}, "news", CHANNELS, [("news/marketing/*", True)]),
        ("Subscribed", {}, "shop", NO_MAIL, []),
        ("Subscribed", {"channel": "nowhere"}, "news", CHANNELS, []),
        ("Subscribed", {"channel": "all"}, "news", CHANNELS, [("*/marketing/*", True)]),
        ("unsubscribed", {}, "news", CHANNELS, []),
        ("Order Completed", {"channel": "news"}, "news", CHANNELS, []),
    ],
)
def test_events(name: str, properties: dict[str, Any], own: str, channels: dict[str, str], expected: list[Any]) -> None:
    heard = heard_in_event(name, properties, channels=channels, own=own)
    assert [(str(one.topic), one.is_given) for one in heard] == expected
    assert {one.reason for one in heard} <= {name}


@pytest.mark.parametrize(("wording", "kept"), [("2026-01", "2026-01"), ("x" * 101, ""), ("a\nb", ""), (7, "")])
def test_the_wording_is_kept_as_far_as_it_is_one(wording: object, kept: str) -> None:
    [heard] = heard_in_event("Subscribed", {"wording": wording}, channels=CHANNELS, own="news")
    assert heard.wording == kept


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"email_subscribe": "opted_in"}, [("news/marketing/*", True), ("tips/marketing/*", True)]),
        ({}, {"email_subscribe": "Unsubscribed"}, [("news/marketing/*", False), ("tips/marketing/*", False)]),
        ({}, {"email_subscribe": "subscribed"}, []),
        ({"email_subscribe": "opted_in"}, {"email_subscribe": "opted_in"}, []),
        ({"email_subscribe": "opted_in"}, {}, []),
        ({}, {"push_subscribe": "unsubscribed"}, [("app/marketing/*", False)]),
        ({}, {"unsubscribed": True}, [("*/marketing/*", False)]),
        ({"unsubscribed": True}, {"unsubscribed": True}, []),
        ({"unsubscribed": True}, {"unsubscribed": False}, []),
        ({}, {"unsubscribed": "true"}, []),
        ({}, {"marketing_consent": False}, [("*/marketing/*", False)]),
        ({"marketing_consent": False}, {"marketing_consent": True}, [("*/marketing/*", True)]),
        ({}, {"marketing_consent": {"news": True, "nowhere": True, "app": 1}}, [("news/marketing/*", True)]),
        (
            {"marketing_consent": {"news": True, "app": True}},
            {"marketing_consent": {"news": True, "app": False}},
            [("app/marketing/*", False)],
        ),
        ({}, {"marketing_consent": ["news"]}, []),
        ({}, {"email": "ann@example.com"}, []),
    ],
)
def test_traits(before: dict[str, Any], after: dict[str, Any], expected: list[Any]) -> None:
    heard = heard_in_traits(before, after, channels=CHANNELS)
    assert [(str(one.topic), one.is_given) for one in heard] == expected


def test_leaving_where_no_mail_is_leaves_everything_and_a_push_nobody_has_is_nothing() -> None:
    said = {"email_subscribe": "unsubscribed", "push_subscribe": "unsubscribed"}
    assert [str(one.topic) for one in heard_in_traits({}, said, channels=NO_MAIL)] == ["*/marketing/*"]
