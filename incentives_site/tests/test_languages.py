"""What customers read is there in six languages, all of it; and nothing that they see comes from elsewhere."""

import gettext
import io
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import trans_real

from campaigns import operations as campaigns
from campaigns.queries import wallet_url
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory
from campaigns.wording import incentive_in_words
from customers import queries
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory
from incentives_site import languages
from incentives_site.integrations.tests.factories import partner_key
from redemptions import operations as ledger
from redemptions.tests.factories import lines

OTHERS = [code for code, _name in settings.LANGUAGES if code != "en"]
PLACES = re.compile(r"%\(\w+\)s|%%")


def test_six_languages_are_offered_to_customers_and_each_has_a_catalogue() -> None:
    assert [code for code, _name in settings.LANGUAGES] == ["en", "it", "ms", "es", "de", "fr"]
    assert set(languages.PLURALS) == set(OTHERS)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_customers_pages_has_its_translation(language: str) -> None:
    found = languages.read_catalogue(language)
    messages = languages.public_messages()
    assert len(messages) > 250
    forms = int(languages.PLURALS[language].split("=")[1][0])
    wrong = []
    for message in messages:
        texts = found.get(message.text, ())
        if len(texts) != (forms if message.plural else 1) or not all(text.strip() for text in texts):
            wrong.append((message.where, message.text))
    assert wrong == [], "run manage.py collect_words, and give these their words"
    assert found.keys() == {message.text for message in messages}, "these are said no more"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_what_is_filled_in_and_the_spaces_at_its_ends(language: str) -> None:
    found = languages.read_catalogue(language)
    for message in languages.public_messages():
        *few, most = found[message.text]
        said = sorted(PLACES.findall(message.plural or message.text))
        assert sorted(PLACES.findall(most)) == said, message
        assert all(set(PLACES.findall(text)) <= set(said) for text in few), message
        for text in (*few, most):
            assert text[:1].isspace() is message.text[:1].isspace(), message
            assert text[-1:].isspace() is message.text[-1:].isspace(), message


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    folder = languages.folder_of(language)
    found = languages.read_catalogue(language)
    assert (folder / "django.po").read_text(encoding="utf-8") == languages.catalogue_as_text(language, found)
    assert (folder / "django.mo").read_bytes() == languages.compiled(language, found)
    read = gettext.GNUTranslations(io.BytesIO((folder / "django.mo").read_bytes()))
    assert read.gettext("Save") == found["Save"][0]
    assert read.pgettext("state", "Held") == found[f"state{languages.BETWEEN}Held"][0]
    one, *more = found["%(n)s point"]
    assert read.ngettext("%(n)s point", "%(n)s points", 1) == one
    assert read.ngettext("%(n)s point", "%(n)s points", 5) == (more[0] if more else one)


def test_collecting_again_changes_nothing() -> None:
    before = {code: (languages.folder_of(code) / "django.po").read_bytes() for code in OTHERS}
    said = io.StringIO()
    call_command("collect_words", stdout=said)
    assert {code: (languages.folder_of(code) / "django.po").read_bytes() for code in OTHERS} == before
    assert said.getvalue().split("\n")[:-1] == [f"{code}: 0 without words" for code in languages.PLURALS]


class Heard(set[str]):
    """Every sentence that was asked for and has no words in the language that is spoken."""

    def listen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def known(key: str) -> bool:
            catalogue: Any = trans_real.translation(translation.get_language() or "en")._catalog  # type: ignore[attr-defined]
            return key in catalogue or (key, 0) in catalogue

        for name in ("gettext", "ngettext", "pgettext"):
            real = getattr(translation._trans, name)

            def heard(*texts: Any, real: Any = real, name: str = name) -> Any:
                key = f"{texts[0]}{languages.BETWEEN}{texts[1]}" if name == "pgettext" else str(texts[0])
                if translation.get_language() != "en" and not known(key):
                    self.add(key)
                return real(*texts)

            monkeypatch.setattr(translation._trans, name, heard)


EFFECTS: list[dict[str, Any]] = [
    {"type": "percent_off", "percent": "10", "max_amount": 500},
    {"type": "amount_off", "amount": 500, "target": {"scope": "lines", "include": {"categories": ["tea"]}}},
    {"type": "fixed_price", "amount": 500, "target": {"scope": "lines", "include": {"brands": ["Mara"]}}},
    {"type": "bundle_price", "amount": 1500, "size": 2},
    {"type": "buy_get", "buy": {"quantity": 2}, "get": {"quantity": 1, "percent": "100"}},
    {"type": "free_item", "sku": "mug", "name": "Mug", "unit_price": 500},
]
CONDITIONS = {
    "all": [
        {"fact": "basket.initial_total", "op": ">=", "value": 2000},
        {"any": [{"fact": "customer.orders", "op": ">", "value": 3}, {"fact": "time.weekday", "op": "in", "value": [1, 2]}]},
    ]
}


@pytest.mark.django_db
@pytest.mark.parametrize("language", OTHERS)
def test_nothing_on_customers_pages_is_left_in_english(client: Client, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    ChannelFactory(mail=True, can_message=True)
    web, now = ChannelFactory(web=True), timezone.now()
    customer = CustomerFactory()
    campaign = CampaignFactory(live=True)
    for number, effect in enumerate(EFFECTS):
        awards = [{"type": "points", "per": 100, "points": 2}, {"type": "credit", "amount": 300}] if number == 0 else []
        incentive = IncentiveFactory(
            granted=True, campaign=campaign, effect=effect, conditions=CONDITIONS, awards=awards, valid_days=30
        )
        LimitFactory(incentive=incentive, per="customer", maximum=number + 1)
        campaigns.grant(customer=customer, incentive=incentive, channel=web, by="x", now=now)
    for state in ("used", "expired", "withdrawn"):
        GrantFactory(customer=customer, state=state)
    ledger.earn(customer=customer, unit="points", amount=1_250, key="p", by="x", now=now)
    ledger.earn(customer=customer, unit="USD", amount=400, key="c", by="x", now=now)
    empty = CustomerFactory()
    heard = Heard()
    heard.listen(monkeypatch)
    pages = {}
    for name, one in (("full", customer), ("empty", empty)):
        wallet, preferences = (urlsplit(url(one)).path for url in (wallet_url, queries.preferences_url))
        pages[f"wallet {name}"] = client.get(f"{wallet}?lang={language}")
        pages[f"preferences of wallet {name}"] = client.get(f"{wallet}preferences/?lang={language}")
        pages[f"manifest {name}"] = client.get(f"{wallet}app.webmanifest?lang={language}")
        pages[f"preferences {name}"] = client.get(f"{preferences}?lang={language}")
        pages[f"asked {name}"] = client.get(f"{preferences}unsubscribe/?lang={language}")
    path = urlsplit(queries.preferences_url(customer)).path
    mail = urlsplit(queries.unsubscribe_url(customer, queries.channels_to_choose(queries.wishes_of(customer))[0])).path
    bad = {"does": "save", "paused_until": "2020-01-01", "per_week": "99", "kinds": "sausages"}
    pages["refused"] = client.post(f"{path}?lang={language}", bad)
    for does in ("save", "leave", "return"):
        pages[does] = client.post(f"{path}?lang={language}", {"does": does}, follow=True)
    IdentityFactory(customer=customer)
    for kind in ("export", "erasure"):
        pages[f"not {kind}"] = client.post(f"{path}?lang={language}", {"does": f"ask:{kind}", f"{kind}-typed": "somebody"})
        asking = {"does": f"ask:{kind}", f"{kind}-typed": customer.identities.get().value}
        pages[f"asks for {kind}"] = client.post(f"{path}?lang={language}", asking, follow=True)
    for kind in ("export", "erasure"):
        pages[f"takes {kind} back"] = client.post(f"{path}?lang={language}", {"does": f"take-back:{kind}"}, follow=True)
    pages["unsubscribed"] = client.post(f"{mail}?lang={language}")
    for address in ("/wallet/forged:token/", "/preferences/forged:token/"):
        pages[address] = client.get(address, headers={"Accept-Language": language})
    for name, page in pages.items():
        assert page["Content-Language"] == language, name
    assert heard == set()
    with translation.override(language):
        translation.gettext("Nobody says this")
    assert heard == {"Nobody says this"}, "or the test would notice nothing"


@pytest.mark.django_db
def test_an_incentive_reads_as_a_person_of_that_language_would_say_it() -> None:
    incentive = IncentiveFactory(
        granted=True,
        conditions={"all": [{"fact": "basket.initial_total", "op": ">=", "value": 2000}]},
        effect={"type": "percent_off", "percent": "10", "target": {"scope": "lines", "include": {"categories": ["Tee"]}}},
        campaign__currency="EUR",
    )
    said = {}
    for language in ("de", "it", "fr"):
        with translation.override(language):
            said[language] = incentive_in_words(incentive)[:2]
    assert any("10 % Rabatt auf Artikel aus „Tee“" in sentence for sentence in said["de"])
    assert any("10 % di sconto su articoli della categoria “Tee”" in sentence for sentence in said["it"])
    assert any("10 % de remise sur articles de la catégorie « Tee »" in sentence for sentence in said["fr"])


@pytest.mark.django_db
def test_a_refusal_is_said_in_the_language_the_partner_asks_for() -> None:
    ChannelFactory()
    _row, key = partner_key(channels=("store",))
    answer = Client().post(
        "/api/v1/quotes",
        {"currency": "EUR", "basket": lines(1000), "codes": ["NOWHERE"]},
        content_type="application/json",
        headers={"Authorization": f"Api-Key {key}", "Accept-Language": "it"},
    )
    assert answer.json()["inapplicable"][0]["message"].startswith("Questo codice non è conosciuto")
