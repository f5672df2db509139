"""Liver tests: every limit from both sides, in every unit, range and form a laboratory sends."""

from __future__ import annotations

import pytest

from tests.story import (
    LOINC,
    SNOMED,
    Story,
    ago,
    coded,
    condition,
    course,
    dosed,
    given,
    lab,
    liver,
    observation,
    order,
    premedication,
    whole_chart,
)

LIVER_RULES = ("INO-LIV-01", "INO-LIV-02", "INO-LIV-05", "INO-LIV-07")


@pytest.fixture
def story(client) -> Story:
    return Story(client)


def ino():
    return order("inotuzumab")


def sign_whole(story, panel):
    """Cards of an order and a chart where nothing but the liver tests can speak."""
    return story.sign([dosed(), *premedication()], whole_chart(panel=panel))


def panel(**replaced):
    """A normal panel with some of its results replaced by others, or by None for none."""
    normal = dict(zip(("bilirubin", "alt", "ast", "alp"), liver(), strict=True))
    return [result for result in (normal | replaced).values() if result is not None]


def liver_cards(cards):
    return [rule for rule in cards if rule in LIVER_RULES]


def with_range(result, *ranges):
    return {**result, "referenceRange": list(ranges)}


def bilirubin(value: str, **more):
    return lab("bilirubin", value, None, **more)


class TestLimits:
    @pytest.mark.parametrize("enzyme", ["alt", "ast"])
    @pytest.mark.parametrize(
        ("value", "rule"),
        [("40", None), ("41", "INO-LIV-07"), ("100", "INO-LIV-07"), ("101", "INO-LIV-02")],
    )
    def test_either_enzyme(self, story, enzyme, value, rule):
        chart = panel(**{enzyme: lab(enzyme, f"{value} U/L", "40")})
        assert liver_cards(story.sign([ino()], chart)) == [rule] * bool(rule)

    def test_both_limits_say_everything_once(self, story):
        cards = sign_whole(story, liver("1.9", "120", "130"))
        assert list(cards) == ["INO-LIV-01"]
        card = cards["INO-LIV-01"]
        assert card["indicator"] == "critical"
        for said in ("1.9 mg/dL", "1.8 mg/dL", "2026-11-19"):
            assert said in card["summary"] + card["detail"]

    @pytest.mark.parametrize(
        ("cause", "indicator"),
        [
            (condition("E80.4"), "warning"),
            (condition("E80.4", status="resolved"), "critical"),
            (condition("D59.9"), "warning"),
        ],
    )
    def test_gilbert_or_haemolysis_soften_when_active(self, story, cause, indicator):
        cards = story.sign([ino()], [*liver("1.9", "120"), cause])
        assert cards["INO-LIV-01"]["indicator"] == indicator

    def test_gilbert_does_not_soften_an_enzyme(self, story):
        cards = story.sign([ino()], [*liver(alt="120"), condition("E80.4")])
        assert cards["INO-LIV-02"]["indicator"] == "warning"

    def test_the_first_dose_changes_the_text_and_not_the_card(self, story):
        first = story.sign([ino()], liver("1.9", "120"))["INO-LIV-01"]
        later = story.sign([ino()], [*course(1), *liver("1.9", "120")])["INO-LIV-01"]
        assert first["indicator"] == later["indicator"] == "critical"
        assert "limited" in first["detail"]
        assert "limited" not in later["detail"]


class TestUnits:
    @pytest.mark.parametrize(
        ("value", "uln", "rule"),
        [
            ("30.75 umol/L", "20.5", "INO-LIV-07"),
            ("30.76 umol/L", "20.5", "INO-LIV-02"),
            ("32 µmol/L", "20.5", "INO-LIV-02"),  # micro sign
            ("32 μmol/L", "20.5", "INO-LIV-02"),  # Greek mu
            ("32 mcmol/L", "20.5", "INO-LIV-02"),
            ("1.9 mg/dl", "1.2", "INO-LIV-02"),
            ("19 mg/L", "12", "INO-LIV-02"),
        ],
    )
    def test_bilirubin(self, story, value, uln, rule):
        chart = panel(bilirubin=lab("bilirubin", value, uln))
        assert liver_cards(story.sign([ino()], chart)) == [rule]

    def test_value_and_range_in_different_units(self, story):
        result = with_range(bilirubin("40 umol/L"), {"high": {"value": 1.2, "unit": "mg/dL"}})
        card = story.sign([ino()], panel(bilirubin=result))["INO-LIV-02"]
        assert "40.0 umol/L" in card["detail"]
        assert "converted" in card["detail"]

    @pytest.mark.parametrize(
        ("value", "rule"), [("1.875 ukat/L", "INO-LIV-07"), ("1.876 µkat/L", "INO-LIV-02")]
    )
    def test_microkatal(self, story, value, rule):
        chart = panel(alt=lab("alt", value, "0.75"))
        assert liver_cards(story.sign([ino()], chart)) == [rule]

    @pytest.mark.parametrize(
        ("value", "rule"), [("30.4 umol/L", "INO-LIV-07"), ("30.6 umol/L", "INO-LIV-02")]
    )
    def test_converted_within_one_percent_of_the_limit_fires_and_says_so(self, story, value, rule):
        result = with_range(bilirubin(value), {"high": {"value": 1.2, "unit": "mg/dL"}})
        cards = story.sign([ino()], panel(bilirubin=result))
        assert liver_cards(cards) == [rule]
        assert "borderline" in cards[rule]["detail"]

    def test_microkatal_against_units(self, story):
        result = with_range(lab("alt", "2 ukat/L", None), {"high": {"value": 40, "unit": "U/L"}})
        assert liver_cards(story.sign([ino()], panel(alt=result))) == ["INO-LIV-02"]

    @pytest.mark.parametrize("unit", ["U/L", "[IU]/L", "IU/L", "u/l", "units/L"])
    def test_spellings_of_units_per_litre(self, story, unit):
        chart = panel(alt=lab("alt", f"101 {unit}", "40"))
        assert liver_cards(story.sign([ino()], chart)) == ["INO-LIV-02"]

    def test_a_ucum_code_without_words(self, story):
        quantity = {"value": 1.9, "system": "http://unitsofmeasure.org", "code": "mg/dL"}
        result = with_range(bilirubin("1 mg/dL", valueQuantity=quantity), {"high": {"value": 1.2}})
        assert liver_cards(story.sign([ino()], panel(bilirubin=result))) == ["INO-LIV-02"]

    def test_an_unknown_unit_is_said(self, story):
        cards = story.sign([ino()], panel(bilirubin=lab("bilirubin", "1.9 furlong", None)))
        assert "INO-LIV-02" not in cards
        assert "total bilirubin" in cards["INO-DATA-01"]["detail"]

    def test_an_unknown_unit_beside_a_raised_enzyme_may_hide_both_limits(self, story):
        chart = panel(
            bilirubin=lab("bilirubin", "1.9 furlong", None), alt=lab("alt", "120 U/L", "40")
        )
        assert story.sign([ino()], chart)["INO-DATA-01"]["indicator"] == "warning"

    def test_no_unit_at_all_is_said(self, story):
        result = with_range(
            bilirubin("1 mg/dL", valueQuantity={"value": 1.9}), {"high": {"value": 1.2}}
        )
        cards = story.sign([ino()], panel(bilirubin=result))
        assert "INO-LIV-02" in cards or "total bilirubin" in cards["INO-DATA-01"]["detail"]


def kind(code: str):
    return coded("http://terminology.hl7.org/CodeSystem/referencerange-meaning", code)


class TestRanges:
    @pytest.mark.parametrize(
        "text", ["0.2-1.2", "0.2 - 1.2 mg/dL", "<1.2", "<= 1.2", "up to 1.2", "0,2–1,2"]
    )
    def test_a_range_as_text(self, story, text):
        result = with_range(bilirubin("1.9 mg/dL"), {"text": text})
        assert liver_cards(story.sign([ino()], panel(bilirubin=result))) == ["INO-LIV-02"]

    def test_a_text_nobody_can_read(self, story):
        result = with_range(lab("alt", "300 U/L", None), {"text": "see report"})
        cards = story.sign([ino()], panel(alt=result))
        assert "ALT" in cards["INO-DATA-01"]["detail"]

    def test_treatment_ranges_are_not_normal_ranges(self, story):
        result = with_range(
            bilirubin("1.9 mg/dL"),
            {"type": kind("treatment"), "high": {"value": 5, "unit": "mg/dL"}},
            {"type": kind("normal"), "high": {"value": 1.2, "unit": "mg/dL"}},
        )
        assert liver_cards(story.sign([ino()], panel(bilirubin=result))) == ["INO-LIV-02"]

    def test_of_several_ranges_the_lower_high_counts_and_is_said(self, story):
        result = with_range(
            bilirubin("1.9 mg/dL"),
            {"high": {"value": 1.3, "unit": "mg/dL"}},
            {"high": {"value": 1.2, "unit": "mg/dL"}},
        )
        card = story.sign([ino()], panel(bilirubin=result))["INO-LIV-02"]
        assert "1.8 mg/dL" in card["summary"] + card["detail"]
        assert "lowest of 2" in card["detail"]

    def test_a_range_for_another_age_is_left_out(self, story):
        result = with_range(
            lab("alt", "110 U/L", None),
            {
                "age": {"high": {"value": 17, "unit": "a", "code": "a"}},
                "high": {"value": 20, "unit": "U/L"},
            },
            {
                "age": {"low": {"value": 18, "unit": "a", "code": "a"}},
                "high": {"value": 50, "unit": "U/L"},
            },
        )
        assert liver_cards(story.sign([ino()], panel(alt=result))) == ["INO-LIV-07"]

    def test_a_range_for_the_other_sex_is_left_out(self, story):
        male = {"appliesTo": [coded(SNOMED, "248153007")], "high": {"value": 60, "unit": "U/L"}}
        female = {"appliesTo": [coded(SNOMED, "248152002")], "high": {"value": 40, "unit": "U/L"}}
        result = with_range(lab("alt", "110 U/L", None), male, female)
        assert liver_cards(story.sign([ino()], panel(alt=result))) == ["INO-LIV-02"]

    @pytest.mark.parametrize(("days", "known"), [(60, True), (89, True), (92, False)])
    def test_the_range_of_an_older_result_of_the_same_code_and_performer(self, story, days, known):
        who = {"performer": [{"reference": "Organization/lab-1"}]}
        older = lab("alt", "30 U/L", "40", days, **who)
        now = lab("alt", "101 U/L", None, 1, **who)
        cards = story.sign([ino()], [*panel(alt=now), older])
        assert ("INO-LIV-02" in cards) is known
        if known:
            assert (
                "older" in cards["INO-LIV-02"]["detail"] or "of " in cards["INO-LIV-02"]["detail"]
            )
        else:
            assert "ALT" in cards["INO-DATA-01"]["detail"]

    def test_not_the_range_of_another_laboratory(self, story):
        older = lab("alt", "30 U/L", "40", 10, performer=[{"reference": "Organization/lab-2"}])
        now = lab("alt", "300 U/L", None, 1, performer=[{"reference": "Organization/lab-1"}])
        cards = story.sign([ino()], [*panel(alt=now), older])
        assert "INO-LIV-02" not in cards
        assert "ALT" in cards["INO-DATA-01"]["detail"]

    @pytest.mark.parametrize(
        ("value", "rule"),
        [
            ("0.9 mg/dL", None),
            ("1.2 mg/dL", "unknown"),
            ("1.4 mg/dL", "INO-LIV-07"),
            ("1.6 mg/dL", "unknown"),
            ("1.94 mg/dL", "unknown"),
            ("1.96 mg/dL", "INO-LIV-02"),
            ("16 umol/L", None),
            ("34 umol/L", "INO-LIV-02"),
        ],
    )
    def test_bilirubin_without_any_range_is_judged_by_the_band(self, story, value, rule):
        cards = sign_whole(story, panel(bilirubin=bilirubin(value)))
        if rule == "unknown":
            assert "total bilirubin" in cards["INO-DATA-01"]["detail"]
            assert "INO-LIV-02" not in cards
        else:
            assert list(cards) == [rule] * bool(rule)

    def test_no_band_for_enzymes(self, story):
        cards = story.sign([ino()], panel(ast=lab("ast", "300 U/L", None)))
        assert "AST" in cards["INO-DATA-01"]["detail"]


class TestForms:
    def test_an_amount_below_detection_is_normal(self, story):
        less = {"value": 0.2, "comparator": "<", "unit": "mg/dL"}
        result = lab("bilirubin", "1 mg/dL", "1.2", valueQuantity=less)
        assert sign_whole(story, panel(bilirubin=result)) == {}

    @pytest.mark.parametrize(
        ("comparator", "value", "rule"),
        [
            ("<", 3, "unknown"),
            (">", 2, "INO-LIV-02"),
            (">", 1.8, "INO-LIV-02"),
            (">", 1, "unknown"),
        ],
    )
    def test_other_comparators(self, story, comparator, value, rule):
        amount = {"value": value, "comparator": comparator, "unit": "mg/dL"}
        cards = story.sign(
            [ino()], panel(bilirubin=lab("bilirubin", "1 mg/dL", "1.2", valueQuantity=amount))
        )
        if rule == "unknown":
            assert "total bilirubin" in cards["INO-DATA-01"]["detail"]
        else:
            assert rule in cards

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("1.9 mg/dL", "INO-LIV-02"),
            (">1.9 mg/dL", "INO-LIV-02"),
            ("1,9 mg/dL", "INO-LIV-02"),
            ("<0.2 mg/dL", None),
        ],
    )
    def test_a_value_as_a_string(self, story, text, rule):
        result = bilirubin(
            "1 mg/dL", valueString=text, referenceRange=[{"high": {"value": 1.2, "unit": "mg/dL"}}]
        )
        del result["valueQuantity"]
        cards = story.sign([ino()], panel(bilirubin=result))
        assert liver_cards(cards) == [rule] * bool(rule)

    def test_a_string_that_is_no_number_is_said(self, story):
        result = bilirubin("1 mg/dL", valueString="haemolysed")
        del result["valueQuantity"]
        cards = story.sign([ino()], panel(bilirubin=result))
        said = cards.get("INO-LIV-05", {}).get("detail", "") + cards.get("INO-DATA-01", {}).get(
            "detail", ""
        )
        assert "bilirubin" in said

    def test_a_panel_with_components(self, story):
        parts = [
            {"code": coded(LOINC, code), "valueQuantity": {"value": value, "unit": unit},
             "referenceRange": [{"high": {"value": high, "unit": unit}}]}
            for code, value, high, unit in (
                ("1975-2", 1.9, 1.2, "mg/dL"), ("1742-6", 120, 40, "U/L"),
                ("1920-8", 30, 40, "U/L"), ("6768-6", 80, 120, "U/L"))
        ]  # fmt: skip
        whole = observation(coded(LOINC, "24325-3"), 1, component=parts)
        assert liver_cards(story.sign([ino()], [whole])) == ["INO-LIV-01"]

    def test_a_panel_with_members(self, story):
        members = liver("1.9", "120")
        whole = observation(
            coded(LOINC, "24325-3"),
            1,
            hasMember=[{"reference": f"Observation/{each['id']}"} for each in members],
        )
        assert liver_cards(story.sign([ino()], [whole, *members])) == ["INO-LIV-01"]

    def test_an_absent_value_is_missing(self, story):
        result = lab("bilirubin", "1 mg/dL", "1.2", dataAbsentReason={"text": "specimen lost"})
        del result["valueQuantity"]
        cards = story.sign([ino()], panel(bilirubin=result))
        assert "bilirubin" in cards["INO-LIV-05"]["detail"] + cards["INO-LIV-05"]["summary"]

    @pytest.mark.parametrize("when", ["effectivePeriod", "effectiveInstant"])
    def test_other_times(self, story, when):
        result = lab("bilirubin", "1.9 mg/dL", "1.2")
        del result["effectiveDateTime"]
        result[when] = {"start": ago(1.1), "end": ago(1)} if when == "effectivePeriod" else ago(1)
        assert liver_cards(story.sign([ino()], panel(bilirubin=result))) == ["INO-LIV-02"]

    def test_a_raised_result_with_no_time_but_that_of_issue_counts(self, story):
        result = lab("bilirubin", "1.9 mg/dL", "1.2", issued=ago(1))
        del result["effectiveDateTime"]
        assert list(sign_whole(story, panel(bilirubin=result))) == ["INO-LIV-02"]

    @pytest.mark.parametrize("value", ["1.9 mg/dL", "0.6 mg/dL"])
    def test_a_result_without_any_time_is_said(self, story, value):
        result = lab("bilirubin", value, "1.2")
        del result["effectiveDateTime"]
        cards = sign_whole(story, panel(bilirubin=result))
        assert "total bilirubin" in cards["INO-DATA-01"]["detail"]

    @pytest.mark.parametrize("status", ["amended", "corrected"])
    def test_amended_results_count(self, story, status):
        result = lab("bilirubin", "1.9 mg/dL", "1.2", status=status)
        assert liver_cards(story.sign([ino()], panel(bilirubin=result))) == ["INO-LIV-02"]

    @pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
    def test_results_taken_back_do_not(self, story, status):
        wrong = lab("bilirubin", "9 mg/dL", "1.2", 0.5, status=status)
        assert liver_cards(story.sign([ino()], [*liver(), wrong])) == []

    def test_a_preliminary_result_may_raise_a_card(self, story):
        early = lab("bilirubin", "1.9 mg/dL", "1.2", 0.5, status="preliminary")
        assert "INO-LIV-02" in story.sign([ino()], [*liver(), early])

    def test_a_preliminary_result_clears_nothing(self, story):
        early = lab("bilirubin", "0.6 mg/dL", "1.2", 0.5, status="preliminary")
        assert "INO-LIV-02" in story.sign([ino()], [*liver("1.9"), early])

    def test_a_preliminary_result_alone_is_not_reassurance(self, story):
        early = lab("bilirubin", "0.6 mg/dL", "1.2", 0.5, status="preliminary")
        cards = story.sign([ino()], panel(bilirubin=early))
        said = cards.get("INO-LIV-05", {}).get("detail", "") + cards.get("INO-DATA-01", {}).get(
            "detail", ""
        )
        assert "bilirubin" in said


class TestMissing:
    @pytest.mark.parametrize("name", ["bilirubin", "alt", "ast", "alp"])
    def test_each_one_is_named(self, story, name):
        card = story.sign([ino()], panel(**{name: None}))["INO-LIV-05"]
        words = {"bilirubin": "total bilirubin", "alt": "ALT", "ast": "AST", "alp": "ALP"}
        assert card["indicator"] == "warning"
        assert words[name].lower() in card["summary"].lower()
        created = [a["resource"] for s in card["suggestions"] for a in s["actions"]]
        assert any(each["resourceType"] == "ServiceRequest" for each in created)

    @pytest.mark.parametrize(("days", "missing"), [(7, False), (7.01, True)])
    def test_the_week(self, story, days, missing):
        cards = story.sign([ino()], liver(days_ago=days))
        assert ("INO-LIV-05" in cards) is missing

    def test_an_age_over_72_hours_is_printed(self, story):
        card = story.sign([ino()], liver("1.9", "120", days_ago=5))["INO-LIV-01"]
        assert "5 days" in card["detail"] or "120 h" in card["detail"]

    def test_a_result_of_the_dose_day_before_the_infusion_is_too_old(self, story):
        chart = [given("inotuzumab", 3), *liver(days_ago=3.1)]
        assert "INO-LIV-05" in story.sign([ino()], chart)

    def test_what_is_named_missing_is_not_repeated(self, story):
        cards = story.sign([ino()], [])
        assert "INO-LIV-05" in cards
        assert "bilirubin" not in cards.get("INO-DATA-01", {}).get("detail", "")


class TestContradiction:
    def test_two_finals_within_an_hour(self, story):
        chart = [*liver(), lab("bilirubin", "1.9 mg/dL", "1.2", 1.02)]
        cards = story.sign([ino()], chart)
        assert cards["INO-DATA-03"]["indicator"] == "info"
        assert "INO-LIV-02" in cards

    @pytest.mark.parametrize(("minutes", "conflict"), [(60, True), (61, False)])
    def test_an_hour(self, story, minutes, conflict):
        chart = [*liver(), lab("bilirubin", "1.9 mg/dL", "1.2", 1 + minutes / 1440)]
        cards = story.sign([ino()], chart)
        assert ("INO-DATA-03" in cards) is conflict
        assert ("INO-LIV-02" in cards) is conflict

    def test_equal_values_do_not_contradict(self, story):
        chart = [*liver(), lab("bilirubin", "0.6 mg/dL", "1.2", 1.02)]
        assert "INO-DATA-03" not in story.sign([ino()], chart)

    def test_the_same_value_in_two_units_does_not_contradict(self, story):
        twin = lab("bilirubin", "17.1 umol/L", "20.5", 1.01, code=coded(LOINC, "14631-6"))
        chart = [*panel(bilirubin=lab("bilirubin", "1.0 mg/dL", "1.2")), twin]
        assert "INO-DATA-03" not in story.sign([ino()], chart)

    def test_remission_and_relapse_at_once(self, story):
        chart = [condition("C91.01"), condition("C91.02"), *liver()]
        assert "INO-DATA-03" in story.sign([ino()], chart)
