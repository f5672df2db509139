"""The dose of an order beside the labelled one, and the sums it adds to."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.derive.expected_dose import expected_dose
from cds_service.facts.derive.reduction import MOST_TOLD, labelled_level, tells_of_reduction
from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import MEDICATION_ADMINISTRATIONS, MEDICATION_REQUESTS
from tests.builders import (
    INO,
    ask,
    chart,
    dose,
    draft,
    lab,
    measured,
    on,
    regimens,
    response,
    the_reading,
    with_gaps,
)

REGIMEN = regimens()[INO]
BSA = lab("bsa", "2 m2")
NO_RESPONSE = Unknown("response", Reason.NOT_RECORDED)
CYCLE_1 = (dose(28, amount="1.6 mg"), dose(21, amount="1 mg"), dose(14, amount="1 mg"))


def ordered(amount: str, **more: object):
    key = "dose_per_m2" if amount.endswith("m2") else "dose"
    return draft(**{key: measured(amount), **more})


def fields(*facts: object, **selectors: object):
    return the_reading(chart(*facts), "dose_ordered", substance=INO, **selectors).fields


def shown(*facts: object):
    return the_reading(chart(*facts), "dose_ordered", substance=INO).show


def levels(cycle: int, day: int | None, remission: object) -> tuple[Fraction, ...]:
    return expected_dose(REGIMEN, Interval.exactly(cycle), day, remission).levels


@pytest.mark.parametrize(
    ("cycle", "day", "remission", "expected"),
    [
        (1, 1, None, ["0.8"]),
        (1, 8, None, ["0.5"]),
        (1, 15, True, ["0.5"]),
        (1, 9, None, ["0.5"]),
        (2, 1, True, ["0.5"]),
        (2, 1, False, ["0.8"]),
        (2, 1, NO_RESPONSE, ["0.5", "0.8"]),
        (2, 8, NO_RESPONSE, ["0.5"]),
        (6, 15, False, ["0.5"]),
        (2, None, True, ["0.5"]),
        (2, None, False, ["0.5", "0.8"]),
    ],
)
def test_the_labelled_dose_of_each_place(cycle, day, remission, expected):
    assert levels(cycle, day, remission) == tuple(map(Fraction, expected))


def test_the_other_level_is_that_of_the_other_response_on_day_1():
    later = Interval.exactly(2)

    assert expected_dose(REGIMEN, later, 1, True).others == {Fraction("0.8")}
    assert expected_dose(REGIMEN, later, 1, False).others == {Fraction("0.5")}
    assert not expected_dose(REGIMEN, later, 1, NO_RESPONSE).others
    assert not expected_dose(REGIMEN, later, 8, True).others
    assert not expected_dose(REGIMEN, Interval.exactly(1), 1, True).others


@given(st.decimals("0.1", "3", places=3), st.sampled_from([1, 8, 15, None]))
def test_a_place_that_is_not_known_never_narrows_the_deviation(amount, day):
    """What holds for every place holds for each of them."""
    at = Interval.exactly(Fraction(amount))
    anywhere = expected_dose(REGIMEN, NO_RESPONSE, day, NO_RESPONSE).deviation(at)
    first = expected_dose(REGIMEN, Interval.exactly(1), day, NO_RESPONSE).deviation(at)

    assert anywhere is not None
    assert first is not None
    assert anywhere.lo <= first.lo
    assert first.hi <= anywhere.hi


def test_milligrams_are_divided_by_the_body_surface():
    assert fields(BSA, ordered("1.6 mg"))["per_m2"] == Interval.exactly(Fraction("0.8"))


def test_milligrams_count_where_both_are_written():
    both = draft(dose=measured("2 mg"), dose_per_m2=measured("0.8 mg/m2"))

    assert fields(BSA, both)["over"] == Interval.exactly(25)


def test_without_a_surface_milligrams_are_not_vouched_for_by_what_is_written_beside_them():
    both = draft(dose=measured("2 mg"), dose_per_m2=measured("0.8 mg/m2"))
    found = fields(both)

    assert found["per_m2"] == Interval.exactly(Fraction("0.8"))
    assert found["over"] == Unknown(
        "body surface area",
        Reason.NOT_FOUND,
        "weight none in the last 14 days; height none in the last 90 days",
    )


def test_an_order_without_a_dose_says_so():
    found = fields(BSA, draft())["over"]

    assert (found.what, found.reason) == ("dose of this order", Reason.NOT_RECORDED)


def test_a_dose_within_a_range_is_off_by_a_range():
    found = fields(BSA, draft(dose=measured("<2 mg")))

    assert (found["over"].lo, found["over"].hi) == (0, 25)


def test_a_dose_without_an_upper_bound_is_too_vague():
    assert fields(BSA, draft(dose=measured(">2 mg")))["over"].reason is Reason.AMBIGUOUS


def test_drafts_of_one_call_follow_each_other():
    of = chart(BSA, ordered("1.6 mg", when=0), ordered("1 mg", when=-7), ordered("1 mg", when=-14))
    readings = ask(of, "dose_ordered", substance=INO).readings

    assert [each.fields["over"].number for each in readings] == [0, 0, 0]
    assert [each.fields["in_cycle"].number for each in readings] == [
        Fraction("0.8"),
        Fraction("1.3"),
        Fraction("1.8"),
    ]


def test_the_latest_word_on_remission_counts():
    lost = (*CYCLE_1, response(12, remission=True), response(3, remission=False))

    assert fields(BSA, ordered("1.6 mg"), lost)["remission"] is False


def test_a_remission_before_the_first_dose_is_none():
    found = fields(BSA, ordered("1.6 mg"), *CYCLE_1, response(40, remission=True))["remission"]

    assert found.reason is Reason.NOT_RECORDED


def test_the_sum_of_a_cycle_begins_anew_with_it():
    found = fields(BSA, ordered("1.6 mg"), *CYCLE_1)

    assert found["in_cycle"].number == Fraction("0.8")
    assert found["cumulative"].number == Fraction("2.6")


def test_a_dose_without_an_amount_makes_sums_lower_bounds():
    found = fields(BSA, ordered("1 mg"), dose(7))["in_cycle"]

    assert (found.lo, found.hi) == (Fraction("0.5"), None)


def test_unread_doses_make_sums_lower_bounds():
    of = with_gaps(chart(BSA, ordered("1.6 mg")), MEDICATION_ADMINISTRATIONS)
    found = the_reading(of, "dose_ordered", substance=INO).fields

    assert found["cumulative"] == Interval.at_least(Fraction("0.8"))
    assert found["reduced"].reason is Reason.FAILED


def test_what_a_card_may_print():
    words = shown(BSA, ordered("1.6 mg", when=0), *CYCLE_1, response(3, remission=True))

    assert words["ordered"] == "1.6 mg (0.8 mg/m2)"
    assert words["expected"] == "0.5 mg/m2 (1 mg)"
    assert words["percent"] == "60 %"
    assert words["bsa"] == "2 m2 (on file, 2026-11-21)"
    assert words["response"] == "disease status (2026-11-19)"
    assert words["cumulative"] == "2.6 mg/m2"
    assert words["cycle_text"] == "cycle 2 day 1 (inferred from 3 doses)"


def test_the_tolerance_is_not_printed_for_what_is_more():
    def percent(amount):
        of = chart(BSA, ordered(amount))
        return the_reading(of, "dose_ordered", substance=INO, tolerance=10).show["percent"]

    assert percent("1.7604 mg") == "over 10 %"
    assert percent("1.76 mg") == "10 %"
    assert percent("1.79 mg") == "11.9 %"


@pytest.mark.parametrize(
    "words",
    [
        "25 % dose reduction for ALT",
        "Dose reduced 25% due to hepatotoxicity",
        "dose was lowered because of bilirubin",
        "reduced dose",
        "Reduction: reduced by 25 % (lipase)",
        "dosage decreased",
    ],
)
def test_words_that_tell_of_a_reduction(words):
    assert tells_of_reduction(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no dose reduction for ALT",
        "without any dose reduction",
        "dose reduced to 0.5 mg/m2, CR reached",
        "dose reduced in responder",
        "held for toxicity",
        "0.5 mg/m2 IV",
        "reduced risk of VOD",
    ],
)
def test_words_that_tell_of_none(words):
    assert not tells_of_reduction(words)


def test_a_dose_is_a_part_of_the_lowest_level_it_may_belong_to():
    given = ("0.375", "0.5", "0.55", "0.6", "0.8", "1.2")
    found = [labelled_level(Fraction(each), REGIMEN) for each in given]

    assert found == list(map(Fraction, ("0.5", "0.5", "0.5", "0.8", "0.8", "0.8")))


def test_a_reduced_dose_is_compared_with_doses_of_its_own_level():
    told = dose(28, amount="0.75 mg", text="dose reduced for ALT")
    at_day_1 = fields(BSA, ordered("1.2 mg", cycle=3, day=1), told)["above_reduced"]
    at_day_8 = fields(BSA, ordered("1 mg", cycle=3, day=8), told)["above_reduced"]

    assert at_day_1 == Interval.exactly(0)
    assert at_day_8.number == Fraction(100, 3)


def test_the_reduced_dose_that_is_shown_is_the_nearest_with_its_own_day():
    told = dose(28, amount="1.2 mg", text="dose reduced for ALT")
    later = dose(21, amount="0.75 mg")

    assert shown(BSA, ordered("1.6 mg"), told, later)["reduction"].startswith("0.6 mg/m2 on ")
    day_8 = shown(BSA, ordered("1 mg"), told, later)["reduction"]
    assert day_8 == f"0.38 mg/m2 on {on(21).first}"


def test_a_reduction_in_this_order_alone_is_none_on_file():
    found = fields(BSA, ordered("1.2 mg", text="dose reduced 25 % for ALT"))

    assert (found["reduced"], found["above_reduced"]) == (True, None)


def test_orders_that_are_unread_may_hold_a_reduction():
    of = with_gaps(chart(BSA, ordered("1.6 mg")), MEDICATION_REQUESTS)
    found = the_reading(of, "dose_ordered", substance=INO).fields

    assert found["above_reduced"].what == "dose reductions for toxicity"


def test_a_substance_without_a_regimen_has_no_labelled_dose():
    assert ask(chart(draft("busulfan")), "dose_ordered", substance="busulfan").gaps


def test_of_very_many_reductions_the_earliest_are_looked_at():
    """They count every reduced dose since; that there are more leaves the number open upwards."""
    late = [dose(n, amount="1.2 mg", text="dose reduced for ALT") for n in range(1, MOST_TOLD + 1)]
    first = dose(60, amount="1.15 mg", text="dose reduced for ALT")
    order = ordered("1.3 mg", cycle=3, day=1)

    alone = fields(BSA, order, first)["above_reduced"]
    assert fields(BSA, order, *late[1:], first)["above_reduced"] == alone
    assert fields(BSA, order, *late, first)["above_reduced"] == Interval.at_least(alone.lo)
