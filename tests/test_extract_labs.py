"""Results keep their exact value, their own limits, and what is odd about them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.model import LabResult
from cds_service.facts.unknown import Reason
from tests.fhir_builders import (
    Resource,
    chart_of,
    concept,
    hook_call,
    observation,
    patient,
    prefetch,
    quantity,
    reference_range,
)
from tests.test_extract_chart import read

PERFORMER = [{"reference": "Organization/lab"}]


def lab(*more: Resource, **elements: Any) -> LabResult:
    """The one result of a chart with this observation (the newest, beside others)."""
    results = chart_of(observation(**elements), *more).labs
    return results[0]


def uln(result: LabResult) -> str:
    return "" if result.uln is None else f"{result.uln.value.number} {result.uln.unit}"


def ranged(*ranges: Resource, **elements: Any) -> LabResult:
    return lab(high=None, referenceRange=list(ranges), **elements)


def test_a_result_is_exact_and_says_where_it_was_read() -> None:
    result = lab(id="b", value="1.80", issued="2026-11-19T09:00:00Z", performer=PERFORMER)

    assert result.value is not None
    assert result.value.printed == "1.80 mg/dL"
    assert result.value.value.number == Fraction(9, 5)
    assert result.canonical == Interval.exactly(Decimal("1.8"))
    assert uln(result) == "6/5 mg/dL"
    assert result.source.reference == "Observation/b"
    assert (result.code, result.performer) == ("http://loinc.org|1975-2", "Organization/lab")
    assert str(result.when) == "2026-11-19"
    assert result.issued is not None


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_finished_result_is_final(status: str) -> None:
    assert lab(status=status).status == "final"


@pytest.mark.parametrize("status", ["preliminary", "registered", "unknown"])
def test_an_unfinished_result_is_preliminary(status: str) -> None:
    assert lab(status=status).status == "preliminary"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_result_is_no_result(status: str) -> None:
    assert chart_of(observation(status=status)).labs == ()


@pytest.mark.parametrize("analyte", ["direct-bilirubin", "indirect-bilirubin"])
def test_direct_and_indirect_bilirubin_are_not_total(analyte: str) -> None:
    assert lab(analyte=analyte).analyte == analyte


def test_a_code_means_nothing_without_its_system() -> None:
    stray = {"coding": [{"system": "urn:local", "code": "1975-2"}, {"code": "1975-2"}]}

    assert chart_of(observation(code=stray)).labs == ()


def test_any_coding_may_name_the_analyte() -> None:
    local = {"system": "urn:local", "code": "BILI"}
    code = {"coding": [local, *concept("total-bilirubin")["coding"]]}

    assert lab(code=code).code == "http://loinc.org|1975-2"


def test_the_code_of_a_unit_comes_before_its_words() -> None:
    amount = quantity("30.8", "mg/dL", code="umol/L")
    result = ranged(valueQuantity=amount)

    assert result.value is not None
    assert result.value.unit == "umol/L"


def test_words_are_read_when_the_code_is_no_unit_we_know() -> None:
    result = ranged(valueQuantity=quantity("1.8", "mg/dL", code="258797006"))

    assert result.value is not None
    assert result.value.unit == "mg/dL"


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        ("<", Interval(Fraction(0), Fraction(1, 5), hi_open=True)),
        (">", Interval(Fraction(1, 5), None, lo_open=True)),
    ],
)
def test_a_comparator_makes_an_interval(comparator: str, expected: Interval) -> None:
    amount = quantity("0.2", "mg/dL", comparator=comparator)

    assert lab(valueQuantity=amount).canonical == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.8 mg/dL", "9/5"), ("1,8 mg/dL", "9/5"), ("1.8 mg/dL H", "9/5")],
)
def test_a_number_in_words_is_read_when_it_is_plain(text: str, number: str) -> None:
    result = lab(value=None, valueString=text)

    assert result.canonical == Interval.exactly(Fraction(number))


@pytest.mark.parametrize("text", ["1,234 mg/dL", "elevated", "1.2-1.8 mg/dL", "see note", "+"])
def test_other_words_are_a_result_we_cannot_use(text: str) -> None:
    result = lab(value=None, valueString=text)

    assert result.value is None
    assert result.problem is not None
    assert result.problem.reason is Reason.UNREADABLE
    assert text not in str(result.problem)


@pytest.mark.parametrize(
    "elements",
    [
        {"value": None},
        {"value": None, "dataAbsentReason": {"coding": [{"code": "not-performed"}]}},
    ],
)
def test_a_result_without_a_value_is_not_recorded(elements: dict[str, Any]) -> None:
    result = lab(**elements)

    assert result.problem is not None
    assert result.problem.reason is Reason.NOT_RECORDED


def test_a_unit_nobody_knows_is_said() -> None:
    result = ranged(unit="furlong")

    assert (result.value, result.canonical) == (None, None)
    assert result.problem is not None
    assert result.problem.reason is Reason.UNIT
    assert "furlong" in result.problem.detail


def test_no_unit_is_said() -> None:
    result = ranged(unit=None)

    assert result.problem is not None
    assert (result.problem.reason, result.problem.detail) == (Reason.UNIT, "no unit")


def test_the_same_unknown_unit_on_value_and_limit_still_gives_a_multiple() -> None:
    result = lab(unit="furlong", high="1.2")

    assert result.canonical is None
    assert uln(result) == "6/5 furlong"


@pytest.mark.parametrize(
    "amount",
    [
        *({}, [{"value": 1}], {"unit": "mg/dL"}, {"value": True}),
        {"value": "high", "unit": "mg/dL"},
        {"value": 1, "unit": "mg/dL", "comparator": "ad"},
    ],
)
def test_a_quantity_without_a_usable_number_is_a_result_we_cannot_use(amount: Any) -> None:
    result = lab(valueQuantity=amount)

    assert result.problem is not None
    assert result.problem.reason is Reason.UNREADABLE


@pytest.mark.parametrize("value", ["-1.0", "1E+999999999", "1E-999999999"])
def test_a_number_no_sample_has_is_not_used(value: str) -> None:
    assert lab(value=value).value is None


def test_a_result_without_a_date_has_none() -> None:
    assert lab(at=None).when is None


def test_the_end_of_a_period_is_when_the_result_is_of() -> None:
    period = {"start": "2026-11-17", "end": "2026-11-18"}

    assert str(lab(at=None, effectivePeriod=period).when) == "2026-11-18"


@given(
    st.lists(
        st.sampled_from(
            ["2026-11-18", " 2026-11-18 ", "2026-11-18T09:00:00+01:00", "2026-11", "yesterday", ""]
        ),
        max_size=6,
    )
)
def test_results_that_state_the_same_time_are_each_of_that_time(times: list[str]) -> None:
    """
    A time is read once for all that state it, and as for one alone: what cannot be read is as old
    as its own day of issue.
    """
    sent = [
        observation(id=f"o{number}", at=at, issued=f"2026-11-{20 + number}T09:00:00Z")
        for number, at in enumerate(times)
    ]

    together = chart_of(*sent).labs

    assert [each.when for each in together] == [
        result.when for each in sent for result in chart_of(each).labs
    ]


def test_components_are_results_of_their_own() -> None:
    panel = observation(
        value=None,
        high=None,
        id="panel",
        code={"text": "hepatic panel"},
        component=[
            {
                "code": concept("alt"),
                "valueQuantity": quantity("30", "U/L"),
                "referenceRange": [reference_range(high="40", unit="U/L")],
            },
            {"code": {"text": "something else"}, "valueString": "x"},
            {"code": concept("ast"), "dataAbsentReason": {"text": "haemolysed"}},
        ],
    )
    alt, ast = chart_of(panel).labs

    assert (alt.analyte, uln(alt), alt.source.element) == ("alt", "40 U/L", "component[0]")
    assert ast.problem is not None
    assert "haemolysed" in ast.problem.detail


def test_a_contained_member_of_a_panel_is_read() -> None:
    member = observation("alt", "30", "U/L", id="alt", subject=None)
    panel = observation(
        value=None,
        high=None,
        code={"text": "panel"},
        contained=[member],
        hasMember=[{"reference": "#alt"}, {"reference": "Observation/not-sent"}],
    )

    assert [result.analyte for result in chart_of(panel).labs] == ["alt"]


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "expected"),
    [
        ("body-height", "1.8", "m", "180"),
        ("body-weight", "154", "[lb_av]", "69.85322498"),
        ("bsa", "1.73", "m2", "1.73"),
        ("qtc-fridericia", "0.45", "s", "450"),
        ("anc", "900", "/uL", "0.9"),
        ("platelets", "45", "K/uL", "45"),
    ],
)
def test_vital_signs_and_ecg_are_read_alike(
    analyte: str, value: str, unit: str, expected: str
) -> None:
    result = lab(analyte=analyte, value=value, unit=unit, high=None)

    assert result.canonical == Interval.exactly(Decimal(expected))


def test_an_uncorrected_qt_is_not_a_qtc() -> None:
    assert lab(analyte="qt-uncorrected", value="410", unit="ms").analyte == "qt-uncorrected"


def test_a_range_without_a_unit_has_that_of_the_value() -> None:
    assert uln(ranged(reference_range("0.2", "1.2"))) == "6/5 mg/dL"


def test_a_range_in_another_unit_is_converted_and_that_is_said() -> None:
    result = ranged(reference_range(high="20.5248", unit="umol/L"))

    assert uln(result) == "6/5 mg/dL"
    assert result.uln_note == "converted from 20.5248 umol/L"


def test_a_range_in_a_unit_that_cannot_be_converted_is_no_range() -> None:
    assert ranged(reference_range(high="1.2", unit="g/dL"), analyte="alt", unit="U/L").uln is None


@pytest.mark.parametrize("code", ["treatment", "therapeutic", "critical", "post"])
def test_only_a_normal_range_counts(code: str) -> None:
    other = reference_range(high="5", type={"coding": [{"code": code}]})
    normal = reference_range(high="1.2", type={"coding": [{"code": "normal"}]})

    assert uln(ranged(other, normal)) == "6/5 mg/dL"


def test_the_range_of_the_other_sex_does_not_count() -> None:
    men = reference_range(high="1.4", appliesTo=[{"coding": [{"code": "248153007"}]}])
    women = reference_range(high="1.1", appliesTo=[{"text": "Female"}])
    chart = read(
        hook_call(
            prefetch=prefetch(
                observation(high=None, referenceRange=[men, women]), patient=patient(sex="male")
            )
        )
    )

    assert uln(chart.labs[0]) == "7/5 mg/dL"


def test_the_range_of_another_age_does_not_count() -> None:
    child = reference_range(high="0.8", age={"high": {"value": 17, "code": "a"}})
    adult = reference_range(high="1.2", age={"low": {"value": 18, "unit": "years"}})

    assert uln(ranged(child, adult)) == "6/5 mg/dL"


def test_of_several_ranges_that_fit_the_lower_limit_counts_and_that_is_said() -> None:
    result = ranged(reference_range(high="1.3"), reference_range(high="1.0"))

    assert uln(result) == "1 mg/dL"
    assert result.uln_note == "lowest of 2 limits given"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.2-1.2", "6/5 mg/dL"),
        ("0.2 – 1.2 mg/dL", "6/5 mg/dL"),
        ("0,2 - 1,2", "6/5 mg/dL"),
        ("< 1.2", "6/5 mg/dL"),
        ("up to 1.2 mg/dL", "6/5 mg/dL"),
        ("> 0.2", ""),
        ("1.2-0.2", ""),
        ("0.2-1,200", ""),
        ("normal", ""),
        ("men 0.2-1.2, women 0.2-1.0", ""),
    ],
)
def test_a_printed_range_is_read_when_it_is_plain(text: str, expected: str) -> None:
    result = ranged({"text": text}, analyte="total-bilirubin", at="1985-01-01")

    assert uln(result) == expected


@pytest.mark.parametrize("broken", ["x", {"high": "1.2"}, [7], [{"high": {"value": "much"}}]])
def test_a_broken_range_costs_only_the_range(broken: Any) -> None:
    result = lab(analyte="alt", value="30", unit="U/L", high=None, referenceRange=broken)

    assert result.value is not None
    assert result.uln is None


def test_a_result_without_a_range_borrows_the_newest_of_the_same_laboratory() -> None:
    near = observation(high="1.1", at="2026-11-01", performer=PERFORMER)
    older = observation(high="1.3", at="2026-10-01", performer=PERFORMER)
    result = lab(near, older, high=None, performer=PERFORMER)

    assert uln(result) == "11/10 mg/dL"
    assert result.uln_from == "range of 2026-11-01"


@pytest.mark.parametrize(
    "other",
    [
        {"performer": [{"reference": "Organization/elsewhere"}]},
        {"performer": None},
        {"performer": PERFORMER, "at": "2026-08-01"},
        {"performer": PERFORMER, "at": None},
        {"performer": PERFORMER, "analyte": "alp"},
    ],
)
def test_no_range_is_borrowed_from_anywhere_else(other: dict[str, Any]) -> None:
    lender = observation(**{"analyte": "alt", "unit": "U/L", **other})
    result = lab(lender, analyte="alt", unit="U/L", high=None, performer=PERFORMER)

    assert result.uln is None


@pytest.mark.parametrize(("unit", "low", "high"), [("mg/dL", "1", "13/10"), ("umol/L", "17", "22")])
def test_an_adults_bilirubin_without_any_range_has_a_band(unit: str, low: str, high: str) -> None:
    result = lab(unit=unit, high=None)

    assert result.uln is not None
    assert result.uln.value == Interval(Fraction(low), Fraction(high))
    assert result.uln_from.startswith("usual adult limits")


@pytest.mark.parametrize("birth", ["2010-01-01", None])
def test_a_child_and_a_patient_of_unknown_age_have_no_band(birth: str | None) -> None:
    answers = prefetch(observation(high=None), patient=patient(birth=birth))

    assert read(hook_call(prefetch=answers)).labs[0].uln is None


def test_transaminases_have_no_band() -> None:
    assert lab(analyte="alt", value="30", unit="U/L", high=None).uln is None


def test_transaminases_in_a_unit_of_concentration_contradict_themselves() -> None:
    result = lab(analyte="alt", value="30", unit="mg/dL", high="40")

    assert (result.value, result.canonical) == (None, None)
    assert result.problem is not None
    assert (result.problem.reason, result.problem.detail) == (
        Reason.CONFLICT,
        "given in mg/dL, which is no unit of ALT",
    )


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [
        ("anc", "%"),
        ("marrow-blasts-percent", "10*9/L"),
        ("body-weight", "cm"),
        ("qtc", "mg/dL"),
        ("potassium", "U/L"),
    ],
)
def test_a_unit_that_contradicts_its_code_is_said(analyte: str, unit: str) -> None:
    result = lab(analyte=analyte, value="40", unit=unit, high=None)

    assert result.problem is not None
    assert result.problem.reason is Reason.CONFLICT


@pytest.mark.parametrize(
    ("analyte", "unit"), [("creatinine", "mmol/L"), ("albumin", "umol/L"), ("alt", "furlong")]
)
def test_a_unit_that_is_only_not_in_the_table_contradicts_nothing(analyte: str, unit: str) -> None:
    result = lab(analyte=analyte, value="40", unit=unit, high=None)

    assert result.problem is not None
    assert result.problem.reason is Reason.UNIT


@pytest.mark.parametrize("code", ["2601-3", "19123-9"])
def test_mass_and_moles_are_told_apart_by_the_unit_alone(code: str) -> None:
    loinc = {"coding": [{"system": "http://loinc.org", "code": code}]}
    result = lab(code=loinc, value="2", unit="mg/dL", high=None)

    assert (result.analyte, result.canonical) == (
        "magnesium",
        Interval.exactly(Decimal("0.8228")),
    )


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("anc", "1.2", "10*9/L", "1.2"),
        ("platelets", "40", "10*3/uL", "40"),
        ("wbc", "3400", "/mm3", "3.4"),
        ("blasts-absolute", "500", "{cells}/uL", "0.5"),
        ("blasts-percent", "3", "%", "3"),
        ("ldh", "4", "ukat/L", "240"),
        ("potassium", "3.2", "meq/L", "3.2"),
        ("magnesium", "1.4", "meq/L", "0.7"),
        ("calcium", "8", "mg/dL", "1.996"),
        ("calcium-ionized", "1.1", "mmol/L", "1.1"),
        ("albumin", "3.5", "g/dL", "3.5"),
        ("creatinine", "88.4", "µmol/L", "1"),
        ("lipase", "60", "IU/L", "60"),
        ("amylase", "60", "U/L", "60"),
        ("qtc", "0.41", "s", "410"),
        ("qtc-fridericia", "430", "msec", "430"),
        ("qtc-bazett", "450", "milliseconds", "450"),
        ("body-weight", "70000", "g", "70"),
        ("body-height", "70", "[in_i]", "177.8"),
        ("bsa", "1.8", "m²", "1.8"),
    ],
)
def test_every_analyte_has_its_canonical_unit_and_its_lower_limit(
    analyte: str, value: str, unit: str, canonical: str
) -> None:
    result = ranged(reference_range("0.1", "900"), analyte=analyte, value=value, unit=unit)

    assert result.canonical == Interval.exactly(Decimal(canonical))
    assert result.lln is not None
    assert result.lln.value == Interval.exactly(Decimal("0.1"))


@pytest.mark.parametrize(
    "unit",
    [
        *("10*3/uL", "10^3/µL", "10e3/uL", "x10^3/mcL", "x10(3)/mcL", "K/uL", "K/mm3", "G/L"),
        *("G/l", "Gpt/l", "10*9/l", "10E9/L", "x10E9/L", "x 10^9/L", "/nL", "Thousand/uL"),
        *("thou/mcL", "1000/uL", "10*3/mcL", "10^3/cumm", "Tsd/µl"),
    ],
)
def test_thousands_of_cells_are_spelled_in_many_ways(unit: str) -> None:
    result = lab(analyte="platelets", value="45", unit=unit, high=None)

    assert result.canonical == Interval.exactly(45)


@pytest.mark.parametrize(
    "unit", ["/uL", "/µL", "/mm3", "/mm³", "cells/mcL", "{cells}/uL", "10*6/L", "/cumm", "/cmm"]
)
def test_single_cells_are_spelled_in_many_ways(unit: str) -> None:
    result = lab(analyte="anc", value="900", unit=unit, high=None)

    assert result.canonical == Interval.exactly(Decimal("0.9"))


def test_an_ecg_holds_its_intervals_in_components() -> None:
    ecg = observation(
        value=None,
        high=None,
        code={"text": "12-lead ECG"},
        component=[
            {"code": concept("qt-uncorrected"), "valueQuantity": quantity("380", "ms")},
            {"code": concept("qtc-fridericia"), "valueQuantity": quantity("0.43", "s")},
        ],
    )

    assert [(each.analyte, str(each.canonical)) for each in chart_of(ecg).labs] == [
        ("qt-uncorrected", str(Interval.exactly(380))),
        ("qtc-fridericia", str(Interval.exactly(430))),
    ]


def segmented(value: str = "0.9", **elements: Any) -> Resource:
    return observation("anc-segmented-only", value, "10*9/L", high=None, **elements)


def bands(value: str = "0.15", unit: str = "10*9/L", **elements: Any) -> Resource:
    return observation("bands", value, unit, high=None, **elements)


def neutrophils(*results: Resource) -> list[LabResult]:
    return [each for each in chart_of(*results).labs if each.analyte == "anc"]


def test_segmented_and_band_neutrophils_of_one_sample_add_up() -> None:
    (anc,) = neutrophils(segmented(id="seg"), bands("150", "/uL"))

    assert anc.canonical == Interval.exactly(Decimal("1.05"))
    assert anc.value is not None
    assert anc.value.printed == "1.05 10*9/L"
    assert anc.source.reference == "Observation/seg"


@pytest.mark.parametrize(
    "band",
    [
        {"at": "2026-11-19T09:00:00Z"},
        {"status": "preliminary"},
        {"value": None},
        {"valueQuantity": quantity("0.1", "10*9/L", comparator="<")},
    ],
)
def test_parts_that_are_not_of_one_sample_do_not_add_up(band: dict[str, Any]) -> None:
    assert neutrophils(segmented(), bands(**band)) == []


def test_segmented_neutrophils_alone_are_no_anc() -> None:
    assert neutrophils(segmented()) == []


def test_an_anc_of_the_same_day_is_preferred() -> None:
    counted = observation("anc", "1.5", "10*9/L", high=None, at="2026-11-19T18:00:00Z")
    (anc,) = neutrophils(counted, segmented(), bands())

    assert anc.canonical == Interval.exactly(Decimal("1.5"))


def test_an_older_anc_does_not_stand_in_the_way() -> None:
    older = observation("anc", "1.5", "10*9/L", high=None, at="2026-11-18T18:00:00Z")

    assert len(neutrophils(older, segmented(), bands())) == 2
