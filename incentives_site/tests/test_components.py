"""The components say what they are given, and no template needs what the content policy forbids."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context, Template
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

from incentives_site import navigation
from incentives_site.templatetags import ui

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def render(source: str, **context: object) -> str:
    return Template("{% load ui %}" + source).render(Context(context))


class OfferForm(forms.Form):
    value = forms.IntegerField(max_value=100, help_text="In percent.")
    kind = forms.ChoiceField(choices=[("a", "Percent"), ("b", "Points")], widget=forms.RadioSelect)
    live = forms.BooleanField(required=False)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_a_template_compiles_and_holds_nothing_inline(path: Path) -> None:
    source = path.read_text()
    get_template(str(path.relative_to(settings.BASE_DIR / "templates")))
    assert not re.search(
        r"\sstyle=|<style|\son(?:click|change|submit|load|error|input|key\w+|mouse\w+|focus|blur)=|hx-on|javascript:", source
    )
    for script in re.findall(r"<script[^>]*>", source):
        assert "src=" in script or 'type="application/json"' in script


def test_every_icon_named_in_a_template_is_in_the_sprite() -> None:
    named = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}
    named |= {section.icon for section in navigation.SECTIONS}
    assert named <= ui.icon_names()


def test_a_refused_field_says_why_and_is_tied_to_the_sentence() -> None:
    form = OfferForm({"value": "150", "kind": ""})
    html = render_to_string("_components/field.html", {"field": form["value"], "suffix": "%"})
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_value_error id_value_help"' in html
    assert 'id="id_value_error"' in html
    assert 'id="id_value_help"' in html
    group = render_to_string("_components/field.html", {"field": form["kind"]})
    assert "<legend" in group
    assert group.count('type="radio"') == 2
    summary = render_to_string("_components/form_errors.html", {"form": form})
    assert 'href="#id_value"' in summary
    assert 'href="#id_kind"' in summary


def test_a_problem_shows_its_sentence_and_its_code() -> None:
    html = render_to_string("_components/problem.html", {"code": "budget-used-up", "title": "Used up", "detail": "<b>Ask</b>"})
    assert "budget-used-up" in html
    assert "&lt;b&gt;Ask" in html


def test_a_sparkline_runs_from_edge_to_edge_and_needs_two_numbers() -> None:
    html = render("{% sparkline numbers 'Sales' %}", numbers=[0, None, 10])
    assert 'points="0.0,30.0 120.0,2.0"' in html
    assert 'aria-label="Sales"' in html
    assert "<svg" not in render("{% sparkline numbers %}", numbers=[3])


@pytest.mark.parametrize(
    ("figures", "columns", "first_row"),
    [
        (
            {"kind": "line", "labels": [date(2026, 9, 1)], "label_title": "Day", "series": [{"name": "Web", "values": [1234]}]},
            ["Day", "Web"],
            ["1 Sep 2026", "1,234"],
        ),
        (
            {
                "kind": "line", "labels": ["A"], "label_title": "Arm", "format": "percent",
                "series": [{"name": "Rate", "values": [0.042], "low": [0.03], "high": [None]}],
            },
            ["Arm", "Rate", "lowest likely", "highest likely"],
            ["A", "4.2 %", "3 %", "–"],
        ),
        (
            {"kind": "heatmap", "labels": ["July"], "label_title": "Joined", "columns": ["0", "1"], "rows": [[1, None]]},
            ["Joined", "0", "1"],
            ["July", "1", "–"],
        ),
        (
            {"kind": "sankey", "format": "money", "currency": "EUR", "links": [{"from": "Web", "to": "Till", "value": 1250}]},
            ["From", "To", "Number"],
            ["Web", "Till", "12.50 EUR"],
        ),
    ],
    ids=["line", "band", "heatmap", "sankey"],
)  # fmt: skip
def test_the_table_says_the_same_as_the_chart(figures: dict[str, object], columns: list[str], first_row: list[str]) -> None:
    assert ui.chart_table(figures) == (columns, [first_row])
    html = render("{% chart 'c' 'Title' figures %}", figures=figures)
    assert 'id="c-figures"' in html
    assert first_row[-1] in html


def test_pages_of_a_list_keep_the_other_parameters(rf: RequestFactory) -> None:
    request = rf.get("/campaigns/", {"q": "spring & co", "page": "2"})
    page = Paginator(range(100), 10).page(2)
    html = render_to_string("_components/pagination.html", {"page": page, "request": request, "target": "#list"})
    assert 'href="/campaigns/?q=spring+%26+co&amp;page=3"' in html
    assert 'hx-target="#list"' in html
    assert 'aria-current="page"' in html


def test_an_unknown_state_is_shown_as_it_is_written() -> None:
    assert "Live" in render_to_string("_components/status_badge.html", {"status": "live"})
    assert "Half open" in render_to_string("_components/status_badge.html", {"status": "half_open"})


def visitor(path: str, **user: object) -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = SimpleNamespace(**user)  # type: ignore[assignment]
    return request


def test_a_role_sees_its_own_sections_and_a_stranger_none() -> None:
    operator = list(navigation.context(visitor("/admin/x/", is_authenticated=True, roles={"operator"}))["navigation"])
    assert [entry["url"] for entry in operator if entry["active"]] == ["/admin/"]
    store = list(navigation.context(visitor("/", is_authenticated=True, roles={"store"}))["navigation"])
    assert "/admin/" not in [entry["url"] for entry in store]
    assert not list(navigation.context(visitor("/", is_authenticated=False))["navigation"])


def test_only_a_known_theme_reaches_the_page() -> None:
    request = visitor("/", is_authenticated=False)
    request.COOKIES["theme"] = '"><script>'
    assert navigation.context(request)["theme"] == "auto"
    request.COOKIES["theme"] = "dark"
    assert navigation.context(request)["theme"] == "dark"


def test_the_page_for_a_server_error_needs_no_context() -> None:
    html = get_template("500.html").render()
    assert "Something went wrong on our side" in html
    assert "csrf" not in html
