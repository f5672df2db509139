"""Which electrolytes are below their limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS
from tests.builders import ask, chart, lab, measured, unreadable, with_gaps

ANALYTES = ["potassium", "magnesium", "calcium", "calcium-ionized", "albumin"]
FLOORS = {
    "potassium_floor": Decimal("3.5"),
    "magnesium_floor": Decimal("0.7"),
    "calcium_floor": Decimal("2.1"),
    "albumin_normal": 4,
    "calcium_per_albumin": Decimal("0.8"),
}


def low(of, **selectors):
    """How many are low, and the answer."""
    numbers = {name: Interval.exactly(value).number for name, value in FLOORS.items()}
    answer = ask(of, "electrolytes", **{"analytes": ANALYTES, "within": 7, **numbers, **selectors})
    return answer.readings[0].fields["low"], answer


def level(analyte, value, lln=None, **more):
    return lab(analyte, value, lln=measured(lln) if lln else None, **more)


def normal(*but):
    values = {"potassium": "4.0 mmol/L", "magnesium": "0.9 mmol/L", "calcium": "2.4 mmol/L"}
    return tuple(level(each, value) for each, value in values.items() if each not in but)


def test_normal_electrolytes_are_not_low():
    count, answer = low(chart(normal()))

    assert count == Interval.exactly(0)
    assert answer.gaps == ()


def test_the_laboratorys_own_limit_comes_before_ours():
    count, answer = low(chart(normal("potassium"), level("potassium", "3.4 mmol/L", "3.3 mmol/L")))

    assert count == Interval.exactly(0)
    assert answer.readings[0].show["items"] == []


def test_what_is_low_is_told_with_value_date_and_limit():
    _, answer = low(chart(normal("potassium"), level("potassium", "3.1 mmol/L")))

    (item,) = answer.readings[0].show["items"]
    assert item["text"] == "3.1 mmol/L"
    assert item["limit"] == "3.5 mmol/L, usual limit, none came with the result"
    assert answer.readings[0].show["lows"] == ("potassium 3.1 mmol/L (2026-11-21)",)


def test_magnesium_in_milliequivalents_is_twice_the_amount():
    assert low(chart(normal("magnesium"), level("magnesium", "1.3 mEq/L")))[0].number == 1
    assert low(chart(normal("magnesium"), level("magnesium", "1.4 mEq/L")))[0].number == 0


def test_calcium_is_corrected_for_albumin_and_says_so():
    calcium = level("calcium", "7.0 mg/dL", "8.4 mg/dL")
    of = chart(normal("calcium"), calcium, lab("albumin", "3.0 g/dL"))

    (item,) = low(of)[1].readings[0].show["items"]

    assert item["text"] == "7.0 mg/dL"
    assert item["note"] == "7.80 mg/dL corrected for albumin 3.0 g/dL of 2026-11-21"


def test_albumin_in_grams_per_litre_is_the_same_albumin():
    calcium = level("calcium", "1.91 mmol/L")
    for albumin in ("3.0 g/dL", "30 g/L"):
        assert low(chart(normal("calcium"), calcium, lab("albumin", albumin)))[0].number == 0


def test_low_calcium_without_albumin_is_open():
    count, answer = low(chart(normal("calcium"), level("calcium", "1.9 mmol/L")))

    assert isinstance(count, Unknown)
    assert [gap.detail for gap in answer.gaps] == [
        "1.9 mmol/L on 2026-11-21, no albumin to correct it for"
    ]


def test_an_albumin_older_than_the_window_is_no_albumin():
    of = chart(normal("calcium"), level("calcium", "1.9 mmol/L"), lab("albumin", "2.0 g/dL", at=8))

    assert isinstance(low(of)[0], Unknown)


def test_albumin_known_only_from_above_leaves_it_open_when_it_matters():
    of = chart(normal("calcium"), level("calcium", "1.9 mmol/L"), lab("albumin", "<3.5 g/dL"))

    assert isinstance(low(of)[0], Unknown)


def test_without_albumin_asked_for_calcium_is_taken_as_measured():
    of = chart(normal("calcium"), level("calcium", "1.9 mmol/L"))

    assert low(of, analytes=ANALYTES[:-1])[0].number == 1


def test_ionised_calcium_needs_a_limit_of_its_own():
    count, answer = low(chart(normal("calcium"), level("calcium-ionized", "1.1 mmol/L")))

    assert isinstance(count, Unknown)
    assert answer.gaps[0].reason is Reason.NO_LIMIT


def test_a_unit_that_is_not_understood_is_open():
    count, _ = low(chart(normal("potassium"), lab("potassium", "3.1 furlong")))

    assert isinstance(count, Unknown)
    assert count.reason is Reason.UNIT


def test_one_that_is_surely_low_is_enough_beside_a_missing_one():
    count, answer = low(chart(level("potassium", "3.0 mmol/L")))

    assert (count.lo, count.hi) == (1, 3)
    assert [gap.what for gap in answer.gaps] == ["magnesium", "calcium"]


def test_what_was_not_measured_is_not_normal():
    count, answer = low(chart(normal("magnesium")))

    assert count == Unknown("magnesium", Reason.NOT_FOUND, "none in the last 7 days")
    assert answer.gaps == (count,)


def test_a_value_below_a_low_number_is_low():
    assert low(chart(normal("potassium"), level("potassium", "<2.0 mmol/L")))[0].number == 1


def test_a_value_known_only_from_above_the_limit_is_open():
    assert isinstance(
        low(chart(normal("potassium"), level("potassium", "<4.0 mmol/L")))[0], Unknown
    )


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.NOT_SENT, Reason.TRUNCATED])
def test_an_unanswered_search_proves_nothing_normal(reason):
    count, _ = low(with_gaps(chart(normal()), OBSERVATIONS, reason=reason))

    assert isinstance(count, Unknown)
    assert count.reason is reason


def test_an_unreadable_result_proves_nothing_normal():
    assert isinstance(low(chart(normal(), unreadable(OBSERVATIONS, "potassium")))[0], Unknown)


@given(
    calcium=st.decimals("1.0", "3.5", places=2),
    albumin=st.decimals("1.0", "6.0", places=1),
    less=st.decimals("0.1", "0.9", places=1),
)
def test_less_albumin_never_makes_calcium_look_lower(calcium, albumin, less):
    """A lower albumin explains more of a low calcium, so it can only take the alarm away."""

    def count(value):
        of = chart(
            normal("calcium"),
            level("calcium", f"{calcium} mmol/L"),
            lab("albumin", f"{value} g/dL"),
        )
        return low(of)[0].number

    assert count(albumin - less) <= count(albumin)
