"""What the scripts of the workbench do to text, run by Node without a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cds_service.web
from cds_service.fixtures import load_fixture
from cds_service.strict_json import JSONError, dumps, parse
from tests.golden import FIXTURES, WRITTEN_FOR, kept
from tests.medplum import HAS_NODE

pytestmark = pytest.mark.skipif(not HAS_NODE, reason="Node.js is not installed")

JSON = dict[str, Any]
STATIC = Path(cds_service.web.__file__).parent / "static"
# One process answers line by line: starting Node takes longer than all questions together.
ANSWERING = """
import { createInterface } from "node:readline";
import { asCurl } from "./curl.js";
import { indented } from "./indented.js";
import * as orders from "./orders.js";
import * as raw from "./raw.js";

const known = {
  curl: ({ url, body }) => asCurl(url, body),
  indented: ({ text }) => indented(text),
  read: ({ text }) => raw.read(text).end,
  place: ({ text, path }) => {
    const node = raw.at(raw.read(text), path);
    return [text.slice(node.start, node.end), raw.has(raw.read(text), path)];
  },
  line: ({ text, index }) => {
    const { line, column } = raw.placeOf(text, index);
    return [line, column, raw.indexOf(text, line, column)];
  },
  applied: ({ request, answer, card, suggestion }) =>
    orders.applied(request, orders.actionsIn(answer, card, suggestion)),
  differences: ({ before, after }) => orders.differences(before, after),
  hook: ({ request, hook }) => orders.underHook(request, hook),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...sent } = JSON.parse(line);
  let told;
  try {
    told = { value: known[what](sent) };
  } catch (problem) {
    told = { problem: problem.message, index: problem.index };
  }
  process.stdout.write(`${JSON.stringify(told)}\\n`);
}
"""


class Scripts:
    """The scripts, ready to be asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def told(self, what: str, **sent: Any) -> JSON:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **sent}) + "\n")
        self._process.stdin.flush()
        answer: JSON = json.loads(self._process.stdout.readline())
        return answer

    def ask(self, what: str, **sent: Any) -> Any:
        """What came of it; a problem is an error here."""
        answer = self.told(what, **sent)
        assert "problem" not in answer, answer["problem"]
        return answer["value"]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    folder = tmp_path_factory.mktemp("scripts")
    for script in STATIC.glob("*.js"):
        shutil.copy(script, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "answering.js").write_text(ANSWERING)
    with subprocess.Popen(
        ["node", "answering.js"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield Scripts(process)
        assert process.stdin is not None
        process.stdin.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
asked_often = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


class TestReading:
    @asked_often
    @given(value=json_values, indent=st.sampled_from([None, 1, 2, "\t"]))
    def test_all_json_is_read_to_its_end(self, scripts: Scripts, value: Any, indent: Any) -> None:
        text = json.dumps(value, indent=indent)

        assert scripts.ask("read", text=text) == len(text)

    @asked_often
    @given(text=st.text(alphabet='{}[]:,"ab1-.eE0 tnul\\', max_size=12))
    def test_what_is_no_json_for_the_service_is_none_here(
        self, scripts: Scripts, text: str
    ) -> None:
        try:
            parse(text.encode())
        except JSONError:
            assert "problem" in scripts.told("read", text=text)
        else:
            assert "value" in scripts.told("read", text=text)

    @pytest.mark.parametrize(
        ("text", "words", "index"),
        [
            ("", "the text ends", 0),
            ('{"a": 1,}', "a key in double quotes", 8),
            ('{"a" 1}', "a colon", 5),
            ('{"a": 1 "b": 2}', "a comma or }", 8),
            ("[1, 2", "a comma or ]", 5),
            ('{"a": NaN}', "a value is expected", 6),
            ('{"a": "b\n"}', "does not end", 6),
            ('{"a": 1, "a": 2}', "more than once", 9),
            ("{} {}", "nothing more", 3),
            ("[" * 101 + "]" * 101, "deeper than 100", 100),
        ],
    )
    def test_the_place_of_a_mistake_is_told(
        self, scripts: Scripts, text: str, words: str, index: int
    ) -> None:
        told = scripts.told("read", text=text)

        assert words in told["problem"]
        assert told["index"] == index

    @pytest.mark.parametrize(
        ("path", "found", "is_there"),
        [
            ("a", '{"b": [1, {"c": 0.80}]}', True),
            ("a.b[1].c", "0.80", True),
            ("a.b[7].c", '[1, {"c": 0.80}]', False),
            ("a.missing", '{"b": [1, {"c": 0.80}]}', False),
            ("x.y", "2", True),
            ("…", '{"a": {"b": [1, {"c": 0.80}]}, "x.y": 2}', False),
            ("", '{"a": {"b": [1, {"c": 0.80}]}, "x.y": 2}', True),
        ],
    )
    def test_a_path_leads_to_its_place_or_as_near_as_there_is(
        self, scripts: Scripts, path: str, found: str, is_there: bool
    ) -> None:
        text = '{"a": {"b": [1, {"c": 0.80}]}, "x.y": 2}'

        assert scripts.ask("place", text=text, path=path) == [found, is_there]

    @asked_often
    @given(text=st.text(alphabet="ab\n", max_size=20), data=st.data())
    def test_line_and_column_lead_back_to_the_place(
        self, scripts: Scripts, text: str, data: Any
    ) -> None:
        index = data.draw(st.integers(0, len(text)))
        line, column, back = scripts.ask("line", text=text, index=index)

        assert back == index
        assert len(text.split("\n")[line - 1]) >= column - 1


class TestLayingOut:
    @asked_often
    @given(value=json_values)
    def test_changes_nothing_but_blanks(self, scripts: Scripts, value: Any) -> None:
        laid_out = scripts.ask("indented", text=json.dumps(value))

        assert json.loads(laid_out) == value

    def test_keeps_digits_and_leaves_alone_what_is_no_json(self, scripts: Scripts) -> None:
        assert scripts.ask("indented", text='{"a":0.80}') == '{\n  "a": 0.80\n}'
        assert scripts.ask("indented", text='{"a":0.80') == '{"a":0.80'


def suggestions(answer: JSON) -> Iterator[tuple[int, int, list[JSON]]]:
    """Every suggestion of an answer that changes something: its card, its number, its actions."""
    for card, told in enumerate(answer["cards"]):
        for number, each in enumerate(told.get("suggestions", ())):
            if each.get("actions"):
                yield card, number, each["actions"]


def after(request: JSON, actions: list[JSON]) -> JSON:
    """The request as an EHR leaves it when the suggestion is accepted."""
    changed = deepcopy(request)
    entries = changed["context"]["draftOrders"]["entry"]
    for action in actions:
        names = [f"{e['resource']['resourceType']}/{e['resource'].get('id')}" for e in entries]
        match action["type"]:
            case "create":
                entries.append({"resource": action["resource"]})
            case "update":
                new = action["resource"]
                entries[names.index(f"{new['resourceType']}/{new['id']}")]["resource"] = new
            case "delete":
                del entries[names.index(action["resourceId"])]
    return changed


class TestAcceptedSuggestions:
    @pytest.mark.parametrize("name", FIXTURES)
    def test_become_draft_orders_digit_by_digit(self, scripts: Scripts, name: str) -> None:
        request, answer = load_fixture(name, WRITTEN_FOR), kept(name)
        texts = {"request": dumps(request).decode(), "answer": dumps(answer).decode()}
        for card, number, actions in suggestions(answer):
            told = scripts.told("applied", **texts, card=card, suggestion=number)
            if "draftOrders" not in request["context"]:
                assert "no context.draftOrders" in told["problem"]
            else:
                changed = parse(told["value"]["text"].encode())
                assert dumps(changed) == dumps(after(request, actions))
                assert told["value"]["changes"]

    def test_an_order_that_is_gone_is_said_and_nothing_changes(self, scripts: Scripts) -> None:
        told = scripts.told("applied", **self.simple([], {"type": "delete", "resourceId": "A/1"}))

        assert told["problem"] == "the draft orders hold no A/1"

    @pytest.mark.parametrize("before", [0, 1, 2])
    def test_orders_are_added_and_taken_away_wherever_they_stand(
        self, scripts: Scripts, before: int
    ) -> None:
        drafts = [{"resource": {"resourceType": "A", "id": str(n)}} for n in range(before)]
        added = {"resourceType": "A", "id": "new"}
        created = scripts.ask(
            "applied", **self.simple(drafts, {"type": "create", "resource": added})
        )
        entries = json.loads(created["text"])["context"]["draftOrders"]["entry"]
        assert entries == [*drafts, {"resource": added}]

        for number in range(before):
            gone = {"type": "delete", "resourceId": f"A/{number}"}
            told = scripts.ask("applied", **self.simple(drafts, gone))
            left = json.loads(told["text"])["context"]["draftOrders"]["entry"]
            assert left == drafts[:number] + drafts[number + 1 :]
            assert told["changes"] == [f"A/{number} removed"]

    @staticmethod
    def simple(drafts: list[JSON], *actions: JSON) -> JSON:
        request = {"context": {"draftOrders": {"entry": drafts}}}
        answer = {"cards": [{"suggestions": [{"actions": actions}]}]}
        texts = {"request": json.dumps(request), "answer": json.dumps(answer)}
        return {**texts, "card": 0, "suggestion": 0}

    def test_what_changed_is_told_element_by_element(self, scripts: Scripts) -> None:
        before = '{"status": "draft", "note": ["a"], "dose": {"value": 0.80}}'
        after_ = '{"status":"on-hold","dose":{"value":0.8,"unit":"mg"}}'

        assert scripts.ask("differences", before=before, after=after_) == [
            'status "draft" → "on-hold"',
            'note[0] "a" left out',
            "dose.value 0.80 → 0.8",
            'dose.unit "mg" added',
        ]


class TestAnotherHook:
    @pytest.mark.parametrize("indent", [None, 2])
    def test_is_written_into_the_call_with_what_it_needs(
        self, scripts: Scripts, indent: int | None
    ) -> None:
        drafts = [{"resource": {"resourceType": "A", "id": "1"}}]
        context: JSON = {"draftOrders": {"entry": drafts}}
        request = {"hook": "order-sign", "context": context, "x": 1}

        told = scripts.ask("hook", request=json.dumps(request, indent=indent), hook="order-select")

        selecting = {**context, "selections": ["A/1"]}
        assert json.loads(told) == {**request, "hook": "order-select", "context": selecting}

    def test_leaves_selections_that_are_there(self, scripts: Scripts) -> None:
        request = {"hook": "order-sign", "context": {"selections": []}}

        told = scripts.ask("hook", request=json.dumps(request), hook="order-select")

        assert json.loads(told) == {"hook": "order-select", "context": {"selections": []}}


CURL = f"""#!{sys.executable}
import json, sys
print(json.dumps({{"arguments": sys.argv[1:], "body": sys.stdin.buffer.read().decode()}}))
"""


class TestCurl:
    """The command is run by the shell itself, with a curl that tells what it was given."""

    @pytest.fixture
    def shell(self, tmp_path: Path) -> Mapping[str, str]:
        curl = tmp_path / "curl"
        curl.write_text(CURL)
        curl.chmod(0o755)
        return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    @pytest.mark.parametrize(
        "body",
        [
            '{"a": "it\'s $HOME and `id` and \\\\ and $(id)"}',
            "{\n}",
            "REQUEST",
            "REQUEST\nREQUEST_\n",
            '{"a": "é – µ"}',
            "",
            "'",
        ],
    )
    def test_the_body_arrives_as_it_is(
        self, scripts: Scripts, shell: Mapping[str, str], body: str
    ) -> None:
        given_ = self.run(scripts, shell, "http://127.0.0.1:8080/x", body)

        assert given_["body"] == f"{body}\n"
        assert "--data-binary" in given_["arguments"]
        assert "Content-Type: application/json" in given_["arguments"]

    @pytest.mark.parametrize(
        "url", ["http://a/b?profile=EU&x=1", "http://a/it's", "http://a/$(id)`id`;id #"]
    )
    def test_the_address_is_one_word(
        self, scripts: Scripts, shell: Mapping[str, str], url: str
    ) -> None:
        assert url in self.run(scripts, shell, url, "{}")["arguments"]

    @staticmethod
    def run(scripts: Scripts, shell: Mapping[str, str], url: str, body: str) -> JSON:
        command = scripts.ask("curl", url=url, body=body)
        done = subprocess.run(
            ["sh"], input=command.encode(), env=shell, capture_output=True, check=True
        )
        assert done.stderr == b""
        told: JSON = json.loads(done.stdout)
        return told


def test_the_scripts_write_no_markup_but_what_the_service_rendered() -> None:
    for script in STATIC.glob("*.js"):
        text = script.read_text("utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
        assert "DOMParser" not in text or script.name in ("dom.js", "course.js")
