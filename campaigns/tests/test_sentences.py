"""Every refusal reads as a sentence, ours or the operator's own, at every place that shows one."""

from typing import Any

import pytest
from django.test import override_settings
from django.utils import translation
from django.utils.translation import gettext

from campaigns import operations, queries
from campaigns.models import GrantState
from campaigns.rules.candidates import Reason
from campaigns.rules.decision import Refused
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory
from campaigns.wording import given_in_words, own_sentence, sentence
from incentives_site.shared.problems import Invalid

TEN = {"type": "percent_off", "percent": "10"}


def refused(reason: Reason, **more: Any) -> Refused:
    return Refused("a", "Ten off", reason, **more)


@pytest.mark.parametrize("winner", ["b", ""])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_a_whole_sentence(reason: Reason, winner: str) -> None:
    said = sentence(refused(reason, winner=winner), "USD", {"b": "Twenty off"})
    assert said[0].isupper() or said.startswith("“")
    assert said.endswith(".")
    assert reason.value not in said
    assert "“”" not in said
    assert ("Twenty off" in said) is (bool(winner) and reason.value.startswith(("lost-to", "not-first", "group-limit")))


def test_every_reason_can_be_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said comes out of the catalogue of messages, whatever the reason."""
    monkeypatch.setattr(translation._trans, "gettext", lambda message: f"translated: {message}")
    for reason in Reason:
        assert sentence(refused(reason, winner="b"), "USD").startswith("translated: "), reason


@pytest.mark.parametrize(
    ("language", "own", "said"),
    [
        ("en", {"no-effect": {"en": "Nothing to take off."}}, "Nothing to take off."),
        ("pt-br", {"no-effect": {"pt": "Nada.", "en": "Nothing."}}, "Nada."),
        ("pt-br", {"no-effect": {"pt": "Nada."}, "any": {"pt-br": "Pena."}}, "Nada."),
        ("en", {"any": {"en": "Ask at the desk."}}, "Ask at the desk."),
        ("it", {"no-effect": {"en": "Nothing."}, "any": {"it": "Chieda alla cassa."}}, "Chieda alla cassa."),
        ("it", {"no-effect": {"en": "Nothing to take off."}}, ""),
        ("en", {"not-first": {"en": "Late."}}, ""),
        ("en", {}, ""),
    ],
)
def test_the_readers_language_is_looked_for_then_what_it_derives_from(language: str, own: Any, said: str) -> None:
    with translation.override(language):
        assert own_sentence("no-effect", own) == said
        usual = gettext("It would give nothing for this basket.")
        assert sentence(refused(Reason.NO_EFFECT), "USD", own=own) == (said or usual)


def test_an_own_sentence_stands_before_the_near_miss_which_stays_in_the_data() -> None:
    miss = refused(Reason.CONDITION_NOT_MET, fact="basket.initial_total", needed=5000, actual=4000, missing=1000)
    assert sentence(miss, "USD") == "Spend 10.00 USD more."
    assert sentence(miss, "USD", own={"any": {"en": "From 50 on."}}) == "From 50 on."


@pytest.mark.django_db
class TestSaving:
    @pytest.mark.parametrize(
        ("sentences", "pointer", "code"),
        [
            ([], "/sentences", "not-an-object"),
            ({"mood": {"en": "No."}}, "/sentences/mood", "unknown-value"),
            ({"any": "No."}, "/sentences/any", "not-an-object"),
            ({"any": {}}, "/sentences/any", "not-an-object"),
            ({"any": {"xx": "No."}}, "/sentences/any/xx", "unknown-language"),
            ({"any": {"a/b": "No."}}, "/sentences/any/a~1b", "unknown-language"),
            ({"any": {"en": " "}}, "/sentences/any/en", "not-a-text"),
            ({"any": {"en": 5}}, "/sentences/any/en", "not-a-text"),
            ({"any": {"en": "x" * 201}}, "/sentences/any/en", "bad-text"),
            ({"any": {"en": "a\x00b"}}, "/sentences/any/en", "bad-text"),
            ({"not-first": {"en": "a\u202eb"}}, "/sentences/not-first/en", "bad-text"),
        ],
    )
    def test_what_cannot_be_said_is_refused(self, sentences: Any, pointer: str, code: str) -> None:
        with pytest.raises(Invalid) as problem:
            operations.add_incentive(
                campaign=CampaignFactory(channels=[]), by="t", key="a", name="A", effect=TEN, sentences=sentences
            )
        assert [(error.pointer, error.code) for error in problem.value.errors] == [(pointer, code)]

    def test_every_offered_language_may_be_written(self) -> None:
        with override_settings(LANGUAGES=[("en", "English"), ("it", "Italian")]):
            texts = {"any": {"en": "Ask.", "it": "Chieda."}, "not-first": {"it": "x" * 200}}
            row = operations.add_incentive(
                campaign=CampaignFactory(channels=[]), by="t", key="a", name="A", effect=TEN, sentences=texts
            )
        row.refresh_from_db()
        assert row.sentences == texts


@pytest.mark.django_db
def test_the_wallet_says_why_something_is_over(client: Any) -> None:
    incentive = IncentiveFactory(
        granted=True, sentences={"code-used": {"en": "Used up: come back in May."}, "any": {"en": "Never shown here."}}
    )
    used = GrantFactory(incentive=incentive, state=GrantState.USED)
    GrantFactory(incentive=incentive, customer=used.customer, state=GrantState.WITHDRAWN)
    page = client.get(queries.wallet_url(used.customer)).content.decode()
    assert "Used up: come back in May." in page
    assert "Never shown here." not in page


def test_points_of_which_a_limit_has_left_fewer_say_so() -> None:
    awards = [{"type": "points", "points": 50, "wanted": 1_100}, {"type": "credit", "amount": 200}]
    assert given_in_words(awards, "USD", {}) == "gives 50 points (of 1,100: no more are left) and 2.00 USD of credit"
