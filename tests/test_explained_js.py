"""Every resource that an explanation names is found by the page, and its element in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import cds_service.web
from cds_service.fixtures import load_fixture
from cds_service.strict_json import dumps
from tests.golden import FIXTURES, WRITTEN_FOR
from tests.medplum import HAS_NODE
from tests.test_explained import clauses

pytestmark = pytest.mark.skipif(not HAS_NODE, reason="Node.js is not installed")

STATIC = Path(cds_service.web.__file__).parent / "static"
ASKING = """
import { readFileSync } from "node:fs";
import { linesOf, resourcesOf } from "./resources.js";

const told = JSON.parse(readFileSync(0)).map(({ text, sources }) => {
  const resources = resourcesOf(text);
  return sources.map(({ reference, element }) => {
    const found = resources.find(reference);
    if (!found) return null;
    const place = linesOf(found.lines, element);
    const marked = place ? found.lines.slice(place.first, place.last + 1) : [];
    return { text: found.lines.join("\\n"), trail: found.trail, marked };
  });
});
process.stdout.write(JSON.stringify(told));
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scripts")
    for name in ("indented.js", "resources.js"):
        shutil.copy(STATIC / name, place)
    (place / "package.json").write_text('{"type": "module"}')
    (place / "asking.js").write_text(ASKING)
    return place


def asked(folder: Path, *calls: tuple[str, list[dict[str, str]]]) -> list[list[Any]]:
    """For each text and its sources, what the page shows of each source."""
    question = json.dumps([{"text": text, "sources": sources} for text, sources in calls])
    done = subprocess.run(
        ["node", "asking.js"],
        cwd=folder,
        input=question,
        capture_output=True,
        text=True,
        check=True,
    )
    told: list[list[Any]] = json.loads(done.stdout)
    return told


def shown(folder: Path, request: object, reference: str, element: str = "") -> Any:
    text = request if isinstance(request, str) else json.dumps(request)
    ((one,),) = asked(folder, (text, [{"reference": reference, "element": element}]))
    return one


def sources(name: str) -> list[dict[str, str]]:
    every = [
        source for each in clauses(name) for fact in each["facts"] for source in fact["sources"]
    ]
    return [dict(pair) for pair in dict.fromkeys(tuple(each.items()) for each in every)]


def test_every_source_of_every_synthetic_patient_is_shown(folder):
    calls = [(dumps(load_fixture(name, WRITTEN_FOR)).decode(), sources(name)) for name in FIXTURES]

    for (_, named), found in zip(calls, asked(folder, *calls), strict=True):
        for source, one in zip(named, found, strict=True):
            assert one is not None, source
            resource = json.loads(one["text"])
            assert source["reference"] == f"{resource['resourceType']}/{resource['id']}"
            is_optional = source["element"] in ("", "note")
            assert one["marked"] or is_optional, source


RESULT = '{"resourceType":"Observation","id":"1","valueQuantity":{"value":0.80,"unit":"mg/dL"}}'


def test_digits_stay_as_they_were_sent(folder):
    one = shown(folder, f'{{"prefetch":{{"x":{RESULT}}}}}', "Observation/1", "value[x]")

    assert one["marked"] == [
        '  "valueQuantity": {',
        '    "value": 0.80,',
        '    "unit": "mg/dL"',
        "  }",
    ]
    assert one["trail"] == "prefetch.x"


def test_one_component_of_several_is_marked(folder):
    parts = [{"code": {"text": text}} for text in ("a } ]", "b")]
    panel = {"resourceType": "Observation", "id": "1", "component": parts}
    one = shown(folder, {"prefetch": {"x": panel}}, "Observation/1", "component[1].code")

    assert [line.strip() for line in one["marked"]] == ['"code": {', '"text": "b"', "}"]


def test_a_draft_goes_before_what_is_on_file(folder):
    def order(status: str) -> dict[str, Any]:
        return {"resourceType": "MedicationRequest", "id": "1", "status": status}

    request = {
        "prefetch": {"medicationRequests": {"entry": [{"resource": order("active")}]}},
        "context": {"draftOrders": {"entry": [{}, {"resource": order("draft")}]}},
    }
    one = shown(folder, request, "MedicationRequest/1")

    assert json.loads(one["text"])["status"] == "draft"
    assert one["trail"] == "context.draftOrders.entry[1].resource"


def test_a_resource_without_id_is_found_by_its_full_url(folder):
    resource = {"resourceType": "Condition", "code": {"text": "x"}}
    entry = {"resource": resource, "fullUrl": "urn:uuid:7"}

    assert shown(folder, {"prefetch": {"conditions": {"entry": [entry]}}}, "urn:uuid:7")


def test_a_contained_resource_is_found_in_its_holder(folder):
    inner = {"resourceType": "Medication", "id": "m"}
    order = {"resourceType": "MedicationRequest", "id": "1", "contained": [inner]}
    one = shown(folder, {"prefetch": {"x": order}}, "MedicationRequest/1#m")

    assert json.loads(one["text"]) == inner


@pytest.mark.parametrize("request_text", ["{}", "[]", "null", "no JSON {", '{"a": "{\\"b\\": {"}'])
def test_what_is_not_there_is_not_found(folder, request_text):
    assert shown(folder, request_text, "Observation/1") is None
