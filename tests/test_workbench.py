"""The workbench as it leaves the service: what works without its script, and what the script gets.

What happens in a browser is seen in a browser, in `tests/browser/`.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import cds_service.web
from cds_service.app import create_app
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.settings import Settings
from cds_service.strict_json import dumps, parse
from tests import tokens, web_parts
from tests.golden import FIXTURES, WRITTEN_FOR, bench
from tests.kept import Kept
from tests.story import NOW

STATIC = Path(cds_service.web.__file__).parent / "static"
SIGN = "/cds-services/inotuzumab-order-sign"
ELIN = "elin-earlier-vod-eu"


def page(client: FlaskClient, query: str = "") -> str:
    answer = client.get(f"/{query}")
    assert answer.status_code == 200
    return str(answer.text)


def text_in(page_: str) -> str:
    """What the textarea holds; a browser leaves out the line break at its beginning."""
    (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page_, re.DOTALL)
    return html.unescape(text)


def names_in(page_: str) -> list[str]:
    return re.findall(r'href="\?fixture=([\w-]+)"', page_)


class TestWithoutTheScript:
    def test_every_story_is_a_link_that_fills_the_text(self, client: FlaskClient) -> None:
        assert sorted(names_in(page(client))) == sorted(FIXTURES)

    @pytest.mark.parametrize("name", FIXTURES)
    def test_the_text_is_the_request_of_the_story(self, client: FlaskClient, name: str) -> None:
        text = text_in(page(client, f"?fixture={name}"))

        assert parse(text.encode()) == load_fixture(name, NOW)

    def test_the_text_has_every_digit_and_two_spaces_per_level(self, client: FlaskClient) -> None:
        text = text_in(page(client, "?fixture=petra-premedication-only"))
        compact = client.get("/fixtures/petra-premedication-only").text

        assert numbers(text) == numbers(compact)
        assert json.dumps(json.loads(text), indent=2, ensure_ascii=False).count("\n") == text.count(
            "\n"
        )
        assert '\n  "context": {\n    "' in text

    def test_the_story_that_was_chosen_is_marked_with_its_hook_and_label(
        self, client: FlaskClient
    ) -> None:
        shown = page(client, f"?fixture={ELIN}")

        assert re.search(rf'data-name="{ELIN}"[^>]*aria-current="true"', shown)
        assert "<option selected>EU</option>" in shown
        shown = page(client, "?fixture=wanda-follow-up-before-hsct")
        assert 'data-hook="patient-view" selected' in shown

    def test_stories_are_grouped_by_the_chapter_they_tell_of(self, client: FlaskClient) -> None:
        shown = page(client)

        headings = re.findall(r'<h3 id="chapter-\d+">([^<]+)</h3>', shown)
        assert headings[-1] == "Nothing to say"
        assert {"Liver", "QT", "VOD"} <= set(headings)
        assert len(headings) == len(set(headings))

    @pytest.mark.parametrize(
        ("query", "inside", "outside"),
        [
            ("?q=busulfan", "ada-bilirubin-at-uln", "karim-cycle-7"),
            ("?q=INO-QT-01", "nadia-qt-three-drugs", "ada-bilirubin-at-uln"),
            ("?q=patient-view", "wanda-follow-up-before-hsct", "karim-cycle-7"),
            ("?q=cycle+SEVENTH", "karim-cycle-7", "hana-third-cycle-goal-reached"),
        ],
    )
    def test_the_list_is_narrowed_by_words(
        self, client: FlaskClient, query: str, inside: str, outside: str
    ) -> None:
        names = names_in(page(client, query))

        assert inside in names
        assert outside not in names

    def test_nothing_found_is_said_with_a_way_back(self, client: FlaskClient) -> None:
        shown = page(client, "?q=<script>alert(1)</script>")

        assert "No story fits" in shown
        assert "<script>alert" not in shown

    def test_a_name_nobody_has_is_said_and_fills_nothing(self, client: FlaskClient) -> None:
        shown = page(client, "?fixture=<img+src=x>")

        assert "There is no synthetic patient of that name" in shown
        assert "<img" not in shown
        assert text_in(shown) == ""

    def test_how_to_fire_without_the_script_is_said(self, client: FlaskClient) -> None:
        shown = page(client, "?fixture=wanda-follow-up-before-hsct")

        assert '<button type="button" id="fire" disabled>' in shown
        (told,) = re.findall(r"<noscript>(.*?)</noscript>", shown, re.DOTALL)
        assert "http://127.0.0.1:8080/cds-services/inotuzumab-patient-view" in told


def numbers(text: str) -> list[str]:
    return re.findall(r"(?<=:)\s*(-?\d[\d.eE+-]*)(?=\s*[,}\n])", text)


def test_markup_in_a_story_or_request_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = {"name": "</textarea><script>alert(1)</script>"}
    web_parts.cast(monkeypatch)
    monkeypatch.setattr(web_parts.workbench, "load_fixture", lambda *_: evil)

    shown = page(web_parts.app().test_client(), "?fixture=ada")

    assert "<script>alert" not in shown
    assert "Ada &lt;b&gt;" in shown
    assert json.loads(text_in(shown)) == evil


def test_the_page_tells_its_script_where_the_service_is_and_what_it_reads() -> None:
    settings = Settings(public_url="https://cds.example.org/a", max_body_bytes=12345)
    shown = page(web_parts.app(web_parts.parts(settings=settings)).test_client())

    assert 'data-public-url="https://cds.example.org/a"' in shown
    assert 'data-most-bytes="12345"' in shown


def test_every_control_has_a_name(client: FlaskClient) -> None:
    shown = page(client)
    labelled = set(re.findall(r'<label for="(\w+)"', shown))

    for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", shown):
        id_ = re.search(r' id="([\w-]+)"', tag)
        has_label = id_ is not None and id_[1] in labelled
        wrapped = re.search(r"<label>[^<]*" + re.escape(tag), shown)
        assert has_label or wrapped or "aria-label" in tag, tag


def test_no_style_or_script_stands_in_the_page(client: FlaskClient) -> None:
    shown = page(client, "?fixture=ada-bilirubin-at-uln")

    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", shown)
    assert re.findall(r"<script[^>]*>", shown) == [
        '<script type="module" src="static/workbench.js">'
    ]


def test_every_script_that_the_page_imports_is_there(client: FlaskClient) -> None:
    for script in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([\w.]+)"', script.read_text("utf-8")):
            assert (STATIC / name).is_file(), f"{script.name} imports {name}"


def test_page_style_and_scripts_together_are_small(client: FlaskClient) -> None:
    files = [*STATIC.glob("*.js"), STATIC / "page.css"]
    size = len(page(client).encode()) + sum(each.stat().st_size for each in files)

    assert size < 100_000


class TestTheLabelProfile:
    """A call in sandbox mode may choose the label that it is judged by."""

    def cards(self, query: str, profile: str = "US") -> dict[str, str]:
        body = dumps(load_fixture(ELIN, WRITTEN_FOR))
        answer = bench(profile).post(f"{SIGN}{query}", body).get_json()
        return {card["source"]["topic"]["code"]: card["indicator"] for card in answer["cards"]}

    def test_is_that_of_the_service_unless_the_call_names_one(self) -> None:
        assert self.cards("")["INO-VOD-02"] == "warning"
        assert self.cards("?profile=US")["INO-VOD-02"] == "warning"
        assert self.cards("?profile=EU")["INO-VOD-02"] == "critical"
        assert self.cards("?profile=US", profile="EU")["INO-VOD-02"] == "warning"

    def test_is_explained_as_it_is_judged(self) -> None:
        body = dumps(load_fixture(ELIN, WRITTEN_FOR))

        def indicator(query: str) -> str:
            answer = bench("US").post(f"/explain/inotuzumab-order-sign{query}", body).get_json()
            (rule,) = (each for each in answer["rules"] if each["id"] == "INO-VOD-02")
            return str(rule["indicator"])

        assert (indicator(""), indicator("?profile=EU")) == ("warning", "critical")

    @pytest.mark.parametrize("name", ["", "eu", "DE", "<b>"])
    def test_that_nobody_has_is_refused(self, client: FlaskClient, name: str) -> None:
        answer = client.post(SIGN, json={}, query_string={"profile": name})

        assert answer.status_code == 400
        (issue,) = answer.get_json()["issue"]
        assert issue["diagnostics"] == "profile must be US or EU"

    def test_belongs_to_the_client_where_clients_are_known(self, tmp_path: Path) -> None:
        trusting = tokens.settings(tokens.client(tmp_path), hash_key="0" * 32)
        app = create_app(trusting, clock=lambda: tokens.NOW, card_log=Kept())
        token = tokens.bearer(aud=f"{tokens.PUBLIC_URL}{SIGN}", jti="the only one")

        answer = app.test_client().post(
            f"{SIGN}?profile=EU", json={}, headers={"Authorization": token}
        )

        assert answer.status_code == 400
        (issue,) = answer.get_json()["issue"]
        assert "stands in the clients file" in issue["diagnostics"]


def test_what_a_story_is_told_for_are_rules_of_the_book(client: FlaskClient) -> None:
    rules: Any = client.application.extensions["cds_service"].rulebook.rules

    for each in list_fixtures():
        assert set(each.expects) <= set(rules), each.name
