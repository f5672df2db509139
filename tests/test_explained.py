"""What an explanation says of a clause: the facts, how near a number came, where was looked."""

import json
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cds_service.cli import main
from cds_service.console import verdicts_text
from cds_service.data import openapi_file
from cds_service.engine.reference import judge_clause
from cds_service.engine.verdict import ClauseVerdict
from cds_service.facts.answers import Answer, Question, Reading, Source
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Unknown
from cds_service.fixtures import load_fixture
from cds_service.rulebook.model import Clause
from cds_service.strict_json import dumps
from cds_service.web.found import facts
from cds_service.web.gap import gap
from cds_service.web.sought import sought
from tests.builders import terminology
from tests.engine_builders import (
    ALT,
    ALT_FAILED,
    BILIRUBIN,
    between,
    clause,
    exactly,
    number,
    reading,
    rule,
    test,
    variant,
)
from tests.golden import FIXTURES, WRITTEN_FOR, bench

SCHEMAS = yaml.safe_load(openapi_file().read_text("utf-8"))["components"]["schemas"]
RULE = rule(variant())


def judged(asks: Clause, *readings: Reading, gaps: tuple[Unknown, ...] = ()) -> ClauseVerdict:
    return judge_clause(asks, Answer(asks.question, readings, gaps))


def bilirubin(value: str, uln: str = "1.2") -> Reading:
    """A result in mg/dL beside the upper limit of its laboratory."""
    shown = {"name": "total bilirubin", "text": f"{value} mg/dL", "value": value, "unit": "mg/dL"}
    fields = {
        "times_uln": Interval.exactly(number(value) / number(uln)),
        "value": exactly(value),
    }
    return Reading(fields, {**shown, "date": "2026-11-19"}, (Source("Observation/1"),))


ABOVE_LIMIT = clause(BILIRUBIN, test("times_uln", "gt", "1.5"))


class TestTheGap:
    def test_says_by_how_much_and_where_it_would_fire(self):
        told = gap(judged(ABOVE_LIMIT, bilirubin("1.19")), RULE)

        assert told == {
            "value": "0.991666",
            "limit": "1.5",
            "unit": "x ULN",
            "difference": "0.508334",
            "words": "total bilirubin 1.19 mg/dL is 0.9916 x ULN, "
            "fires above 1.5 x ULN (1.8 mg/dL)",
        }

    @pytest.mark.parametrize(
        ("op", "words"),
        [
            ("gt", "bilirubin 1.19 mg/dL, fires above 1.2 mg/dL"),
            ("gte", "bilirubin 1.19 mg/dL, fires at 1.2 mg/dL or more"),
            ("eq", "bilirubin 1.19 mg/dL, fires at exactly 1.2 mg/dL"),
        ],
    )
    def test_names_the_comparison(self, op, words):
        asks = clause(Question("weight_change"), test("percent", op, "1.2"))
        told = gap(judged(asks, reading(percent=exactly("1.19"))), RULE)
        assert told is not None
        assert told["words"] == words.replace("bilirubin", "percent").replace("mg/dL", "%")

    def test_a_value_on_the_limit_is_no_way_off_and_still_does_not_fire(self):
        told = gap(judged(ABOVE_LIMIT, bilirubin("1.8")), RULE)

        assert told is not None
        assert told["difference"] == "0"
        assert told["words"].endswith("1.5 x ULN, fires above 1.5 x ULN (1.8 mg/dL)")

    def test_of_several_readings_the_nearest_counts(self):
        told = gap(judged(ABOVE_LIMIT, bilirubin("0.6"), bilirubin("1.2")), RULE)

        assert told is not None
        assert told["value"] == "1"

    def test_a_number_that_is_not_exactly_known_is_told_as_far_as_it_is(self):
        low = reading({"name": "ALT"}, times_uln=between("0.2", "0.4"))
        told = gap(judged(clause(ALT, test("times_uln", "gte", "1")), low), RULE)

        assert told is not None
        assert (told["value"], told["difference"]) == ("0.4", "0.6")
        assert told["words"] == "ALT ≥ 0.2 and ≤ 0.4 x ULN, fires at 1 x ULN or more"

    def test_what_fails_beside_the_number_is_named(self):
        asks = clause(
            Question("infusion"), test("minutes", "lt", "45"), test("syringe", "is", True)
        )
        told = gap(judged(asks, reading(minutes=exactly("60"), syringe=False)), RULE)

        assert told is not None
        assert told["words"] == "minutes 60, fires below 45 minutes; not so either: syringe is yes"

    def test_of_several_numbers_in_a_reading_the_one_farthest_off_counts(self):
        asks = clause(BILIRUBIN, test("times_uln", "gt", "1"), test("value", "gte", "10"))
        told = gap(judged(asks, bilirubin("1.1")), RULE)

        assert told is not None
        assert (told["value"], told["limit"]) == ("1.1", "10")

    def test_there_is_none_where_no_number_failed(self):
        assert gap(judged(ABOVE_LIMIT, bilirubin("2.4")), RULE) is None
        assert gap(judged(ABOVE_LIMIT, gaps=(ALT_FAILED,)), RULE) is None
        assert gap(judged(ABOVE_LIMIT), RULE) is None
        assert gap(judged(ABOVE_LIMIT, reading(times_uln=None)), RULE) is None

    def test_an_unknown_result_beside_a_low_one_leaves_no_gap(self):
        failed = reading(times_uln=ALT_FAILED)

        verdict = judged(ABOVE_LIMIT, bilirubin("1.2"), failed)

        assert verdict.truth is None
        assert gap(verdict, RULE) is None

    @given(
        st.fractions(min_value=0, max_value=1000, max_denominator=10**7),
        st.decimals(min_value=0, max_value=1000, places=3),
        st.sampled_from(["gt", "gte", "lt", "lte", "eq"]),
    )
    def test_the_difference_leads_from_the_value_to_the_limit_and_never_flatters(
        self, value, limit, op
    ):
        asks = clause(BILIRUBIN, test("value", op, str(limit)))
        verdict = judged(asks, reading(value=Interval(value, value)))
        told = gap(verdict, RULE)

        assert (told is None) is (verdict.truth is True)
        if told:
            told_value, told_limit = Decimal(told["value"]), Decimal(told["limit"])
            sign = 1 if told_value <= told_limit else -1
            assert told_limit == limit
            assert told_value + sign * Decimal(told["difference"]) == told_limit
            assert abs(Fraction(told_value) - Fraction(limit)) >= abs(value - Fraction(limit))

    @given(st.integers(1, 999), st.integers(1, 999))
    def test_the_limit_in_the_printed_unit_is_reached_with_the_multiple(self, value, uln):
        printed, limit = Fraction(value, 10), Fraction(uln, 10)
        times = printed / limit
        shown = {"name": "ALT", "text": f"{float(printed)} U/L", "value": str(float(printed))}
        result = reading({**shown, "unit": "U/L"}, times_uln=Interval(times, times))
        told = gap(judged(clause(ALT, test("times_uln", "gt", "100000")), result), RULE)

        assert told is not None
        in_unit = told["words"].rpartition("(")[2].partition(" ")[0]
        assert Fraction(in_unit) >= 100000 * limit
        assert Fraction(in_unit) == pytest.approx(100000 * limit, rel=1e-5)


class TestTheFacts:
    def test_have_value_unit_date_and_the_element_they_were_read_in(self):
        (told,) = facts(judged(ABOVE_LIMIT, bilirubin("2.4")))

        assert told == {
            "text": "total bilirubin; date 2026-11-19; 2.4 mg/dL",
            "value": "2.4",
            "unit": "mg/dL",
            "date": "2026-11-19",
            "holds": True,
            "sources": [{"reference": "Observation/1", "element": "value[x]"}],
        }

    def test_each_says_for_itself_whether_it_holds(self):
        unreadable = reading(times_uln=ALT_FAILED)
        verdict = judged(ABOVE_LIMIT, bilirubin("2.4"), bilirubin("1"), unreadable)

        assert [each["holds"] for each in facts(verdict)] == [True, False, None]

    def test_an_amount_is_read_from_the_text_where_it_is_one(self):
        qtc = Question("qtc", (("analytes", ("qtc",)),))
        asks = clause(qtc, test("value", "gt", "500"))
        (told,) = facts(judged(asks, reading({"text": "< 412 ms"}, value=exactly("412"))))

        assert (told["value"], told["unit"]) == ("< 412", "ms")

    def test_without_a_printed_one_the_number_tested_is_told(self):
        asks = clause(Question("exposure"), test("days_since_last", "lt", "6"))
        (told,) = facts(judged(asks, reading(days_since_last=Interval.at_least(13))))

        assert (told["value"], told["unit"]) == ("≥ 13", "days")

    def test_what_is_not_known_is_told_as_such_and_has_no_value(self):
        (told,) = facts(judged(ABOVE_LIMIT, reading(times_uln=ALT_FAILED)))

        assert told == {
            "text": "times ULN unknown, ALT: search failed",
            "holds": None,
            "sources": [],
        }

    def test_what_does_not_apply_is_told_as_such(self):
        (told,) = facts(judged(ABOVE_LIMIT, reading(times_uln=None)))

        assert told == {"text": "times ULN does not apply", "holds": False, "sources": []}

    @pytest.mark.parametrize(
        ("source", "element"),
        [
            (Source("Observation/1", "component[1]"), "component[1]"),
            (Source("Observation/1"), "value[x]"),
            (Source("Condition/1"), "code"),
            (Source("Basic/1"), ""),
            (Source("urn:uuid:1"), ""),
        ],
    )
    def test_the_element_is_the_one_named_else_the_usual_one(self, source, element):
        (told,) = facts(judged(ABOVE_LIMIT, Reading({}, {"text": "x"}, (source,))))

        assert told["sources"] == [{"reference": source.reference, "element": element}]

    def test_one_source_is_named_once(self):
        twice = Reading({}, {"text": "x"}, (Source("Observation/1"), Source("Observation/1")))
        (told,) = facts(judged(ABOVE_LIMIT, twice))

        assert len(told["sources"]) == 1


def words_of(kind: str, **show: Any) -> str:
    """The text of the only fact of a clause that asks for a kind and tests nothing."""
    (told,) = facts(judged(clause(Question(kind)), Reading({}, show)))
    text: str = told["text"]
    return text


class TestTheWordsOfAFact:
    def test_an_order_says_its_place_once_and_how_that_is_known_and_no_reference(self):
        place = {"cycle": "2", "day": "1", "cycle_text": "cycle 2 day 1 (stated in the order)"}

        told = words_of("order", label="Besponsa", reference="MedicationRequest/1", **place)

        assert told == "Besponsa; cycle 2 day 1 (stated in the order)"

    def test_a_place_without_words_of_its_own_is_told_in_numbers(self):
        assert words_of("order", label="x", cycle="2", day="1") == "x; cycle 2; day 1"

    def test_what_is_named_is_neither_listed_again_nor_counted_as_one(self):
        items = [{"name": "defibrotide", "reference": "MedicationRequest/1"}]

        assert words_of("drugs", names=("defibrotide",), items=items, count=1) == "defibrotide"
        assert words_of("drugs", names=("a", "b"), items=items, count=2) == "a, b; count 2"
        assert words_of("drugs", names=(), items=[], count=1) == "count 1"

    def test_items_that_give_the_reason_stand_for_the_names(self):
        items = [{"name": "potassium", "why": "none in the last 7 days"}]

        told = words_of("lab_panel", missing=1, names=("potassium",), items=items)

        assert told == "missing 1; potassium none in the last 7 days"

    def test_a_hold_tells_what_the_chart_says_and_not_the_figures_of_the_regimen(self):
        chart = {"days": "35", "date": "2026-10-16", "reason": "Toxicity"}

        told = words_of("hold", **chart, apart="6", omit_from="7", stop_after="28")

        assert told == (
            "35 days from its planned day to the order; held dose planned for 2026-10-16; "
            "reason Toxicity"
        )

    @pytest.mark.parametrize(
        ("by_words", "told"),
        [(True, "Fatty liver; known by its words, not by a code"), (False, "Fatty liver")],
    )
    def test_a_yes_is_told_in_words_and_a_no_not_at_all(self, by_words, told):
        assert words_of("condition", label="Fatty liver", by_words=by_words) == told

    def test_braces_of_the_chart_stay_as_they_are(self):
        assert words_of("order", label="{0} {x}") == "{0} {x}"


class TestWhereItWasSought:
    def test_a_lab_names_its_search_its_days_and_its_codes(self):
        week = Question("lab", (("analyte", "total-bilirubin"), ("within", number("7"))))
        told = sought(week, terminology())

        assert told["words"] == (
            "looked for in observations, of the last 7 days, as total bilirubin"
        )
        assert told["days"] == "7"
        (place,) = told["places"]
        assert place["key"] == "observations"
        assert "http://loinc.org|1975-2" in place["search"]
        (codes,) = told["codes"]
        assert codes["name"] == "total bilirubin"
        assert "http://loinc.org|1975-2" in codes["codes"]

    def test_an_order_is_sought_among_the_drafts_first(self):
        told = sought(Question("order", (("substance", "inotuzumab-ozogamicin"),)), terminology())

        assert told["places"][0] == {"key": "context.draftOrders"}
        assert "codes" not in told

    def test_drugs_in_force_are_not_sought_among_the_drafts(self):
        def keys(state: str) -> list[str]:
            question = Question("drugs", (("class", ("azole",)), ("state", state)))
            return [place["key"] for place in sought(question, terminology())["places"]]

        assert keys("current") == ["medicationRequests", "medicationStatements"]
        assert keys("drafted-or-current")[0] == "context.draftOrders"

    def test_the_patient_is_named_only_where_the_question_is_about_the_patient(self):
        assert sought(Question("patient"), terminology())["words"] == "looked for in patient"
        assert (
            sought(Question("setting"), terminology())["words"] == "looked for in the call itself"
        )


@cache
def explained(name: str) -> dict[str, Any]:
    info = FIXTURES[name]
    body = dumps(load_fixture(name, WRITTEN_FOR))
    answer = bench(info.profile).post(f"/explain/{info.service_id}", body)
    told: dict[str, Any] = json.loads(answer.get_data())
    return told


def clauses(name: str) -> list[dict[str, Any]]:
    return [
        each
        for told in explained(name)["rules"]
        for way in told["variants"]
        for each in way["clauses"]
    ]


def references(node: Any) -> set[str]:
    """``Type/id`` of every resource in a request, and every fullUrl."""
    if isinstance(node, list):
        return set().union(*map(references, node))
    if not isinstance(node, dict):
        return set()
    own = {f"{node['resourceType']}/{node['id']}"} if {"resourceType", "id"} <= node.keys() else ()
    return {*own, node.get("fullUrl", "")}.union(*map(references, node.values()))


@pytest.mark.parametrize("name", FIXTURES)
class TestOfEverySyntheticPatient:
    def test_the_explanation_is_as_described(self, name):
        schema = {"$ref": "#/components/schemas/Explanation", "components": {"schemas": SCHEMAS}}

        assert [*Draft202012Validator(schema).iter_errors(explained(name))] == []

    def test_every_resource_named_is_in_the_request(self, name):
        named = {
            source["reference"]
            for each in clauses(name)
            for fact in each["facts"]
            for source in fact["sources"]
        }

        assert named <= references(load_fixture(name, WRITTEN_FOR))

    def test_a_clause_that_a_known_number_failed_says_by_how_much(self, name):
        unsaid = [
            each["asks"]
            for each in clauses(name)
            if each["truth"] == "false"
            and "gap" not in each
            and any("value" in fact and not _is_about_more(each, fact) for fact in each["facts"])
        ]

        assert unsaid == []

    def test_a_gap_is_said_of_what_is_false_and_of_nothing_else(self, name):
        assert {each["truth"] for each in clauses(name) if "gap" in each} <= {"false"}

    def test_what_is_unknown_says_what_is_missing_and_where_it_was_sought(self, name):
        for each in clauses(name):
            is_unknown = each["truth"] == "unknown"
            assert bool(each["missing"]) is is_unknown
            assert ("sought" in each) is is_unknown
            assert not (is_unknown and any(fact["holds"] for fact in each["facts"]))


def _is_about_more(told: dict[str, Any], fact: dict[str, Any]) -> bool:
    """Whether what failed may be a flag or a word, or a number there is none of."""
    tests = told["asks"].rpartition("): ")[2]
    return " is " in tests or " in " in tests or "does not apply" in fact["text"]


def test_the_terminal_prints_the_gap_and_where_was_looked():
    printed = "\n".join(verdicts_text(explained("yusuf-tests-before-last-dose")))

    assert "gap " in printed
    assert ", fires " in printed
    assert "looked for in " in printed


def test_the_command_prints_it_too(tmp_path):
    from click.testing import CliRunner

    file = tmp_path / "call.json"
    file.write_bytes(dumps(load_fixture("ada-bilirubin-at-uln", WRITTEN_FOR)))

    result = CliRunner().invoke(main, ["explain", str(file), "--at", "2026-11-20"])

    assert result.exit_code == 0, result.output
    assert "fires above" in result.output
