"""Whatever is brought to the workbench: a message at the place, nothing executed, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.bench import Bench

JSON = dict[str, Any]
ADA = "ada-bilirubin-at-uln"
MARKUP = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>"
    '<a href="javascript:alert(3)">*x*</a> [y](javascript:alert(4)) "\' </textarea></svg> Ⅻ'
)
SHOWN = ("text", "display", "family", "given", "label", "comment", "div", "note")


def with_markup(value: Any) -> Any:
    """The same JSON, every word that a page might show followed by markup."""
    if isinstance(value, list):
        return [with_markup(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _marked(name, each) for name, each in value.items()}


def _marked(name: str, value: Any) -> Any:
    if name in SHOWN and isinstance(value, str):
        return f"{value} {MARKUP}"
    if name in SHOWN and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [f"{each} {MARKUP}" for each in value]
    return with_markup(value)


def bundle(*resources: JSON) -> str:
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]})


def written(folder: Path, text: str, name: str = "request.json") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def type_in(bench: Bench, old: str, new: str) -> None:
    """Change the text as one who types does."""
    start = bench.body.input_value().index(old)
    bench.body.evaluate(
        "(area, [start, end]) => area.setSelectionRange(start, end)", [start, start + len(old)]
    )
    bench.page.keyboard.insert_text(new)


def test_what_is_no_json_is_told_at_its_line_and_stays(bench):
    bench.body.fill('{\n  "hook": order-sign\n}')

    expect(bench.problem).to_contain_text("Not JSON at line 2, column 11")
    bench.watch.expected = {400}
    bench.page.locator("#fire").click()
    expect(bench.outcome).to_contain_text("No answer")
    expect(bench.outcome).to_contain_text("Nothing was assessed.")
    expect(bench.cards).to_have_count(0)
    expect(bench.body).to_have_value('{\n  "hook": order-sign\n}')


def test_a_wrong_field_is_told_at_its_place_and_nothing_is_lost(bench):
    bench.choose(ADA)
    bench.body.focus()
    type_in(bench, '"patientId"', '"patientID"')
    typed = bench.body.input_value()
    bench.watch.expected = {400}

    bench.page.locator("#fire").click()

    expect(bench.outcome).to_contain_text("context.patientId")
    expect(bench.body).to_have_value(typed)
    expect(bench.body).to_have_attribute("aria-invalid", "true")
    bench.problem.get_by_role("button", name="Go to line").click()
    place = bench.page.evaluate("document.getElementById('body').selectionStart")
    assert typed[:place].rstrip().endswith('"context":')


def test_what_was_typed_is_there_after_leaving_the_page(bench):
    bench.body.fill('{"hook": "order-sign", "half')
    bench.open("/rules")

    bench.open("/")

    expect(bench.body).to_have_value('{"hook": "order-sign", "half')


def test_another_story_can_be_taken_back(bench):
    bench.body.fill('{"mine": 1}')
    bench.choose(ADA)

    bench.page.locator("#undo").click()

    expect(bench.body).to_have_value('{"mine": 1}')


def test_a_bundle_without_a_patient_is_told_so_and_stays(bench, tmp_path):
    text = bundle({"resourceType": "Observation", "id": "1"})
    bench.watch.expected = {400}
    bench.page.locator("#own summary").click()

    bench.page.locator("#upload").set_input_files(written(tmp_path, text))

    expect(bench.page.locator("#made")).to_contain_text("the Bundle holds no Patient")
    expect(bench.problem).to_contain_text("the Bundle holds no Patient")
    assert json.loads(bench.body.input_value()) == json.loads(text)


def test_a_bundle_becomes_a_call(bench, tmp_path):
    chart = bench.fixture(ADA)["prefetch"]
    text = bundle(chart["patient"], {"resourceType": "MedicationRequest", "status": "draft"})
    bench.page.locator("#own summary").click()

    bench.page.locator("#upload").set_input_files(written(tmp_path, text))

    expect(bench.page.locator("#made")).to_contain_text("Taken over")
    assert bench.request["context"]["patientId"] == chart["patient"]["id"]


def test_a_file_of_20_megabytes_is_not_even_opened(bench, tmp_path):
    bench.body.fill("{}")
    bench.page.locator("#own summary").click()

    bench.page.locator("#upload").set_input_files(written(tmp_path, " " * 20 * 1024 * 1024))

    expect(bench.page.locator("#made")).to_contain_text(
        "It has 20.0 MB, and the service reads 10.0 MB at most."
    )
    expect(bench.body).to_have_value("{}")


def test_a_file_that_is_no_text_is_told_so(bench, tmp_path):
    (tmp_path / "scan.json").write_bytes(b"\xff\xd8\xff\xe0")
    bench.page.locator("#own summary").click()

    bench.page.locator("#upload").set_input_files(tmp_path / "scan.json")

    expect(bench.page.locator("#made")).to_contain_text("The file is not UTF-8 text")


def test_a_server_elsewhere_is_refused_beside_its_field(bench):
    bench.watch.expected = {400}
    bench.page.locator("#own summary").click()
    bench.page.get_by_label("FHIR server").fill("https://fhir.example.org")
    bench.page.get_by_label("Patient id").fill("1")

    bench.page.get_by_role("button", name="Make a request").click()

    expect(bench.page.locator("#made")).to_contain_text("must be on this machine")
    expect(bench.page.get_by_label("FHIR server")).to_be_focused()
    expect(bench.page.get_by_label("FHIR server")).to_have_value("https://fhir.example.org")


@pytest.mark.parametrize("name", ["bruno-both-liver-limits", "samir-unidentified-drug"])
def test_markup_in_a_chart_is_shown_as_text_and_runs_nowhere(bench, name):
    """Dialogs, console errors and policy violations fail every test of these."""
    bench.body.fill(json.dumps(with_markup(bench.fixture(name))))
    bench.fire()
    for summary in bench.page.locator("main summary:visible").all():
        summary.click()
    for button in bench.page.locator("#why-part button[aria-pressed=false]").all():
        button.click()
    for summary in bench.page.locator("#why details:not([open]) > summary:visible").all()[:12]:
        summary.click()
    fact = bench.page.locator("#why button.reference:visible").first
    fact.click()

    expect(bench.page.locator("dialog.resource pre")).to_contain_text("<script>alert(2)</script>")
    assert bench.page.locator("main :is(img, script, [onerror], [href^=javascript])").count() == 0
    assert bench.page.title().startswith("Workbench")


def test_markup_in_an_address_is_shown_as_text(opening):
    opening("/?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&fixture=%3Cscript%3E")
    opening("/rules?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    refused = opening("/analytics?from=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    refused.watch.expected = {400}


def test_a_service_that_is_away_is_never_all_clear(bench):
    bench.choose(ADA)
    bench.page.context.set_offline(True)

    bench.page.locator("#fire").click()

    expect(bench.outcome).to_contain_text("the service could not be reached")
    expect(bench.outcome).to_contain_text("Nothing was assessed.")
    bench.page.context.set_offline(False)
