"""Units have one spelling, and one closed table of conversions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.quantity import (
    _AS_LISTED,
    _TO_CANONICAL,
    _spelled,
    canonical,
    canonical_unit,
    converted,
    measured,
    normal_unit,
    parse_measured,
    read_printed,
)

amounts = st.decimals("0.001", "100000", places=3)


@pytest.mark.parametrize(
    ("spellings", "unit"),
    [
        (("µmol/L", "μmol/L", "umol/l", "UMOL/L", "mcmol/L", " umol / L "), "umol/L"),
        (("K/uL", "10*3/uL", "10^3/µL", "x10E3/uL", "10³/µL", "Thousand/uL", "10*9/L", "10^9/L",
          "x10E9/L", "× 10⁹/L", "/nL", "G/L", "10*9/L{platelets}"), "10*9/L"),
        (("/uL", "/mm3", "/mm³", "{cells}/uL", "cells/uL", "10*6/L"), "/uL"),
        (("U/L", "IU/L", "[iU]/L", "u/l", "units/L"), "U/L"),
        (("ukat/L", "µkat/L"), "ukat/L"),
        (("mg/m2", "mg/m²", "mg/m^2"), "mg/m2"),
    ],
)  # fmt: skip
def test_a_unit_has_one_spelling(spellings: tuple[str, ...], unit: str) -> None:
    assert {normal_unit(spelling) for spelling in spellings} == {unit}


def test_what_needs_no_thought_is_what_thought_would_find() -> None:
    assert {unit: _spelled(unit) for unit in _AS_LISTED} == _AS_LISTED


def test_giga_is_not_gram() -> None:
    assert normal_unit("G/L") == "10*9/L"
    assert normal_unit("g/L") == "g/L"
    assert canonical("platelets", measured(Decimal(150), "g/L")) is None


def test_an_unknown_unit_stays_as_it_was_written() -> None:
    assert normal_unit(" furlong ") == "furlong"


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "expected"),
    [
        ("total-bilirubin", "34.208", "umol/L", "2"),
        ("calcium", "10", "mg/dL", "2.495"),
        ("calcium", "4.8", "mEq/L", "2.4"),
        ("magnesium", "2", "mg/dL", "0.8228"),
        ("magnesium", "1.4", "mEq/L", "0.7"),
        ("potassium", "3.5", "mEq/L", "3.5"),
        ("creatinine", "88.4", "umol/L", "1"),
        ("alt", "1.5", "ukat/L", "90"),
        ("anc", "1000", "/mm3", "1"),
        ("platelets", "50", "K/uL", "50"),
        ("body-weight", "100", "[lb_av]", "45.359237"),
        ("body-weight", "70000", "g", "70"),
        ("body-height", "70", "[in_i]", "177.8"),
        ("body-height", "1.8", "m", "180"),
        ("qtc", "0.41", "s", "410"),
        ("dose", "900", "ug", "0.9"),
    ],
)
def test_the_table_converts_exactly(analyte: str, value: str, unit: str, expected: str) -> None:
    amount = measured(Decimal(value), unit)

    assert canonical(analyte, amount) == Interval.exactly(Decimal(expected))


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [("total-bilirubin", "g/dL"), ("total-bilirubin", ""), ("alt", "mg/dL"), ("anc", "%"),
     ("albumin", "mmol/L"), ("qtc", "mg"), ("no-such-analyte", "mg/dL")],
)  # fmt: skip
def test_what_is_not_in_the_table_is_not_converted(analyte: str, unit: str) -> None:
    assert canonical(analyte, measured(Decimal(1), unit)) is None


@given(st.sampled_from(sorted(_TO_CANONICAL)), st.data(), amounts)
def test_there_and_back_again_is_the_same_number(
    analyte: str, data: st.DataObject, value: Decimal
) -> None:
    units = sorted(_TO_CANONICAL[analyte])
    unit, other = data.draw(st.sampled_from(units)), data.draw(st.sampled_from(units))
    there = converted(analyte, measured(value, unit), other)
    assert there is not None
    back = converted(analyte, there, unit)

    assert back is not None
    assert back.value == Interval.exactly(value)


@given(st.sampled_from(sorted(_TO_CANONICAL)), amounts)
def test_an_amount_in_the_canonical_unit_is_itself(analyte: str, value: Decimal) -> None:
    amount = measured(value, canonical_unit(analyte))

    assert canonical(analyte, amount) == Interval.exactly(value)


def test_the_same_unknown_unit_needs_no_conversion() -> None:
    amount = measured(Decimal(2), "furlong")

    assert converted("alt", amount, "furlong") == amount
    assert converted("alt", amount, "U/L") is None


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        ("", Interval(Fraction(1, 5), Fraction(1, 5))),
        ("<", Interval(Fraction(0), Fraction(1, 5), hi_open=True)),
        ("<=", Interval(Fraction(0), Fraction(1, 5))),
        (">", Interval(Fraction(1, 5), None, lo_open=True)),
        (">=", Interval(Fraction(1, 5), None)),
    ],
)
def test_a_comparator_makes_an_interval(comparator: str, expected: Interval) -> None:
    assert measured(Decimal("0.2"), "mg/dL", comparator).value == expected


def test_an_unknown_comparator_is_refused() -> None:
    with pytest.raises(ValueError, match="comparator"):
        measured(Decimal(1), "mg/dL", "ad")


@pytest.mark.parametrize("number", ["1E+999999999", "1E-999999999", "NaN", "Infinity"])
def test_a_number_no_measurement_has_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="number"):
        measured(Decimal(number), "mg/dL")


def test_the_printed_amount_is_as_it_was_sent() -> None:
    assert measured(Decimal("1.80"), "µmol/L", "<").printed == "<1.80 µmol/L"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1.8 mg/dL", "1.8 mg/dL"),
        ("<0.2 mg/dL", "<0.2 mg/dL"),
        ("> 25", ">25"),
        ("≥ 3 U/L", ">=3 U/L"),
        ("150 10*9/L", "150 10*9/L"),
        ("1.805 mg/dL", "1.805 mg/dL"),
    ],
)
def test_our_own_notation_is_read(text: str, printed: str) -> None:
    read = parse_measured(text)

    assert read is not None
    assert read.printed == printed


@pytest.mark.parametrize("text", ["", "high", "1.2-1.8", "1,8 mg/dL", "mg/dL", "1.8.2", "- 3"])
def test_what_is_no_amount_is_not_read(text: str) -> None:
    assert parse_measured(text) is None


@pytest.mark.parametrize(
    ("text", "printed"),
    [("1,8 mg/dL", "1.8 mg/dL"), ("0,123 mg/dL", "0.123 mg/dL"), ("1.8 H", "1.8"),
     ("25 U/L (H)", "25 U/L"), ("12*", None), ("<0,2", "<0.2")],
)  # fmt: skip
def test_a_printed_result_may_have_a_decimal_comma(text: str, printed: str | None) -> None:
    read = read_printed(text)

    assert (read.printed if read else None) == printed


@pytest.mark.parametrize("text", ["1,234", "150.000 /uL", "12.345 U/L", "1.234,5"])
def test_a_sign_that_may_mark_thousands_is_not_read(text: str) -> None:
    assert read_printed(text) is None


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    parse_measured(text)
    read_printed(text)
    normal_unit(text)
