"""Results that are words: positive, negative, or not readable as either."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.facts.answers import Question
from cds_service.facts.extract import asked_analytes, read_chart, templates
from cds_service.facts.model import Chart, FindingResult
from tests.fhir_builders import (
    ALL_KEYS,
    NOW,
    Resource,
    assessment,
    chart_of,
    concept,
    hook_call,
    observation,
    quantity,
    reference_range,
    terminology,
)

HCG = {"coding": [{"system": "http://loinc.org", "code": "19080-1"}]}
SNOMED = "http://snomed.info/sct"


def finding(code: str | Resource, said: Any = None, **elements: Any) -> FindingResult:
    """The one finding of a chart with this observation."""
    (result,) = chart_of(assessment(code, said, **elements)).findings
    return result


def hcg(value: str, *ranges: Resource, **elements: Any) -> FindingResult:
    amount = quantity(value, "m[IU]/mL")
    return finding(HCG, valueQuantity=amount, referenceRange=list(ranges), **elements)


def coded(code: str, system: str = SNOMED) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def test_a_finding_says_what_when_and_where() -> None:
    result = finding("pregnancy-test", "Negative", id="1", status="preliminary")

    assert (result.analyte, result.positive, result.text) == ("pregnancy-test", False, "Negative")
    assert (str(result.when), result.status) == ("2026-11-10", "preliminary")
    assert result.source.reference == "Observation/1"


@pytest.mark.parametrize(
    ("said", "positive"),
    [
        *(("positive", True), ("NEG", False), ("Not pregnant", False), ("Pregnant", True)),
        *(("non-reactive", False), ("Reactive", True), ("not detected", False), ("+", True)),
        *(("weakly positive", True), ("indeterminate", None), ("see report", None)),
        *(("positive and negative", None), ("-", None)),
    ],
)
def test_words_say_positive_or_negative(said: str, positive: bool | None) -> None:
    assert finding("pregnancy-test", said).positive is positive


@pytest.mark.parametrize(
    ("value", "positive"),
    [
        (coded("10828004"), True),
        (coded("260385009"), False),
        (coded("LA6577-6", "http://loinc.org"), False),
        (coded("LA6576-8", "http://loinc.org"), True),
        (coded("10828004", "urn:local"), None),
        ({"text": "Detected"}, True),
    ],
)
def test_a_coded_value_says_it_too(value: Resource, positive: bool | None) -> None:
    assert finding("pregnancy-test", value).positive is positive


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_is_an_answer(flag: bool) -> None:
    assert finding("pregnancy-test", valueBoolean=flag).positive is flag


@pytest.mark.parametrize(
    ("code", "positive"), [("POS", True), ("NEG", False), ("ND", False), ("IND", None), ("A", None)]
)
def test_the_interpretation_answers_where_the_value_does_not(
    code: str, positive: bool | None
) -> None:
    interpretation = [{"coding": [{"code": code}]}]
    result = finding("pregnancy-test", "see note", interpretation=interpretation)

    assert result.positive is positive


def test_a_value_and_an_interpretation_that_differ_say_nothing() -> None:
    result = finding("pregnancy-test", "negative", interpretation=[{"text": "positive"}])

    assert result.positive is None


@pytest.mark.parametrize(
    ("value", "positive"), [("5", False), ("5.1", True), ("1", False), ("8000", True)]
)
def test_a_measured_hcg_is_positive_above_the_limit(value: str, positive: bool) -> None:
    result = hcg(value, reference_range(high="5", unit="m[IU]/mL"))

    assert result.positive is positive
    assert result.text == f"{value} m[IU]/mL"


def test_of_ranges_by_week_of_pregnancy_the_lowest_counts() -> None:
    weeks = reference_range(high="25000", unit="m[IU]/mL", appliesTo=[{"text": "week 7"}])

    assert hcg("300", reference_range(high="5", unit="m[IU]/mL"), weeks).positive is True


@pytest.mark.parametrize(
    ("code", "positive"), [("H", True), ("N", False), ("NEG", False), ("POS", True)]
)
def test_a_measured_hcg_without_a_range_is_what_its_interpretation_says(
    code: str, positive: bool
) -> None:
    assert hcg("4", interpretation=[{"coding": [{"code": code}]}]).positive is positive


def test_a_measured_hcg_without_range_and_interpretation_is_not_read() -> None:
    assert hcg("30").positive is None


def test_a_comparator_below_the_limit_is_negative() -> None:
    amount = quantity("2", "m[IU]/mL", comparator="<")
    ranges = [reference_range(high="5")]

    assert finding(HCG, valueQuantity=amount, referenceRange=ranges).positive is False


def test_a_race_is_no_pregnancy_test() -> None:
    race = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3"}]}

    assert chart_of(assessment(race, "White")).findings == ()


def test_a_test_without_a_result_is_one_that_cannot_be_read() -> None:
    result = finding("pregnancy-test", status="registered")

    assert (result.positive, result.text, result.status) == (None, "", "preliminary")


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_result_is_none(status: str) -> None:
    assert chart_of(assessment("pregnancy-test", "positive", status=status)).findings == ()


def test_cd22_in_percent_is_a_number_and_in_words_a_finding() -> None:
    percent = chart_of(observation("cd22", "95", "%", high=None))
    words = chart_of(assessment("cd22", "negative"))

    assert ([each.analyte for each in percent.labs], percent.findings) == (["cd22"], ())
    assert words.labs == ()
    assert [(each.analyte, each.positive) for each in words.findings] == [("cd22", False)]


def test_cd22_that_was_not_measured_is_said_once() -> None:
    chart = chart_of(assessment("cd22", dataAbsentReason={"text": "no material"}))

    assert [each.value for each in chart.labs] == [None]
    assert chart.findings == ()


@pytest.mark.parametrize("name", ["CD22", "CD22 expression on blasts", "Flow: cd22 (%)"])
def test_a_local_code_for_cd22_is_known_by_its_words(name: str) -> None:
    assert finding({"text": name}, "positive").analyte == "cd22"
    (measured,) = chart_of(assessment({"text": name}, "95 %")).labs
    assert measured.analyte == "cd22"


@pytest.mark.parametrize(
    "name", ["CD220", "cCD22", "anti-CD22 antibody", "CD22 CAR T cells in blood", "CD19"]
)
def test_what_only_sounds_like_cd22_is_left_alone(name: str) -> None:
    chart = chart_of(assessment({"text": name}, "positive"))

    assert chart.findings == ()


@pytest.mark.parametrize(
    ("said", "positive"),
    [
        ("positive in 98 of 100 blasts", True),
        ("CD22 positive, CD20 negative", True),
        ("CD20 positive", None),
        ("partial, dim expression of CD22", True),
    ],
)
def test_words_about_cd22_count_when_it_is_named(said: str, positive: bool | None) -> None:
    assert finding("cd22", said).positive is positive


@pytest.mark.parametrize(
    ("report", "positive"),
    [
        ("CD19+, CD22+, CD10+, CD20-", True),
        ("CD19+ CD22- CD20+", False),
        ("CD19 pos, CD22 neg, CD10 pos", False),
        ("Blasts positive for CD19, CD22 and CD79a; negative for CD20, MPO", True),
        ("Blasts positive for CD19; negative for CD20 and CD22.", False),
        ("Loss of CD22", False),
        ("CD22 (dim +)", True),
        ("CD22-positive B-lymphoblasts", True),
        ("CD22 dim", True),
        ("CD22: 98 %", True),
        ("CD22 0%", False),
        ("CD22 not expressed", False),
        ("CD22 was not tested", None),
        ("cCD22+", None),
        ("cytoplasmic CD22 positive", None),
        ("CD22+ at diagnosis. CD22- at relapse", None),
        ("B lymphoblasts, CD19 positive", None),
    ],
)
def test_an_immunophenotype_may_tell_of_cd22(report: str, positive: bool | None) -> None:
    findings = chart_of(assessment("immunophenotype", report)).findings

    assert [each.analyte for each in findings][:1] == ["immunophenotype"]
    assert [each.positive for each in findings[1:]] == ([] if positive is None else [positive])


def test_a_long_report_is_read_but_not_repeated() -> None:
    first, second = chart_of(assessment("immunophenotype", "CD22+. " + "x " * 99)).findings

    assert (first.text, second.text, second.positive) == ("", "", True)


def test_components_are_findings_of_their_own() -> None:
    panel = assessment(
        "immunophenotype",
        id="panel",
        component=[{"code": concept("cd22"), "valueString": "bright positive"}],
    )
    (result,) = chart_of(panel).findings

    assert (result.analyte, result.positive) == ("cd22", True)
    assert result.source.element == "component[0]"


def asked(*analytes: str) -> list[Question]:
    return [Question("lab", (("analyte", analytes),))]


def chart_asked(*analytes: str) -> Chart:
    call = hook_call(assessment("immunophenotype", "CD22+"), assessment("pregnancy-test", "neg"))
    return read_chart(call, ALL_KEYS, terminology(), NOW, asked_analytes(asked(*analytes)))


def test_only_findings_asked_for_are_read_and_cd22_brings_the_immunophenotype() -> None:
    assert [each.analyte for each in chart_asked("pregnancy-test").findings] == ["pregnancy-test"]
    assert [each.analyte for each in chart_asked("cd22").findings] == ["immunophenotype", "cd22"]


def test_the_prefetch_of_cd22_brings_the_immunophenotype() -> None:
    found = templates(asked("cd22"), terminology())["observations"]

    assert "http://loinc.org|101119-6" in found


@pytest.mark.parametrize(
    ("words", "is_cd22"),
    [
        ("CD22", True),
        ("cd22 on blasts", True),
        ("anti-CD22", False),
        ("CD22 CAR", False),
        ("CD22 CAR, CD22", True),
        ("CAR-T cells, CD22", True),
        ("CD22 and CD22 of CAR cells", False),
        ("CD22 of CAR\nCD22", True),
        ("CD22\nCAR", True),
        ("CD220", False),
        ("CD22 CARE", True),
    ],
)
def test_a_result_is_called_cd22_unless_a_line_speaks_of_car_cells(
    words: str, is_cd22: bool
) -> None:
    chart = chart_of(assessment({"text": words}, "positive"))

    assert bool(chart.findings) == is_cd22
