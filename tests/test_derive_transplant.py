"""Transplant: intended, planned, done; and conditioning for it."""

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import (
    CONDITIONS,
    GOALS,
    MEDICATION_ADMINISTRATIONS,
    MEDICATION_REQUESTS,
    PROCEDURES,
    SERVICE_REQUESTS,
)
from tests.builders import (
    ask,
    chart,
    condition,
    dose,
    draft,
    order_on_file,
    procedure,
    the_reading,
    transplant,
    unidentified,
    with_gaps,
)

TYPICAL = ["busulfan", "melphalan", "thiotepa", "treosulfan", "carmustine"]
INTENDED = "whether a transplant is planned"


def hsct(of) -> dict:
    return dict(the_reading(of, "transplant", typical=TYPICAL).fields)


def test_a_live_order_or_plan_says_yes():
    fields = hsct(chart(transplant("yes")))

    assert fields["intended"] == "yes"
    assert fields["intent_known"] is True


def test_a_plan_against_it_says_no():
    assert hsct(chart(transplant("no")))["intended"] == "no"


def test_both_are_a_contradiction_and_not_a_yes():
    fields = hsct(chart(transplant("yes"), transplant("no")))

    assert fields["intended"] == Unknown(INTENDED, Reason.CONFLICT, "both planned and ruled out")
    assert fields["intent_known"] is False


def test_silence_is_not_a_no():
    fields = hsct(chart())

    assert fields["intended"] == Unknown(INTENDED, Reason.NOT_RECORDED)
    assert fields["intent_known"] is False
    assert fields["days_ahead"] is None


@pytest.mark.parametrize("key", [SERVICE_REQUESTS, GOALS, PROCEDURES])
def test_an_unread_search_leaves_a_no_open_and_a_yes_standing(key):
    assert hsct(with_gaps(chart(transplant("no")), key))["intended"].reason is Reason.FAILED
    assert hsct(with_gaps(chart(), key))["intent_known"].reason is Reason.FAILED
    assert hsct(with_gaps(chart(transplant("yes")), key))["intended"] == "yes"


def test_diagnoses_say_nothing_of_intent():
    assert hsct(with_gaps(chart(transplant("no")), CONDITIONS))["intended"] == "no"


@pytest.mark.parametrize(
    "order",
    [
        draft("busulfan"),
        order_on_file("thiotepa"),
        order_on_file("cyclophosphamide", order_set="Conditioning FluCy"),
    ],
    ids=["draft", "active", "order-set"],
)
def test_conditioning_orders_say_yes(order):
    assert hsct(chart(order))["intended"] == "yes"


@pytest.mark.parametrize(
    "order",
    [
        order_on_file("busulfan", status="stopped"),
        order_on_file("cyclophosphamide"),
        order_on_file("thiotepa", local_use=True),
    ],
    ids=["stopped", "not-typical", "local"],
)
def test_other_orders_say_nothing(order):
    assert hsct(chart(order))["intended"].reason is Reason.NOT_RECORDED


def test_a_procedure_in_preparation_says_yes():
    assert hsct(chart(procedure("hsct", at=-9, status="preparation")))["intended"] == "yes"


def test_the_days_to_the_graft_are_counted():
    assert hsct(chart(transplant(day0=-12)))["days_ahead"].number == 12
    assert hsct(chart(transplant(day0=0)))["days_ahead"].number == 0


def test_the_soonest_graft_counts():
    assert hsct(chart(transplant(day0=-30), transplant(day0=-12)))["days_ahead"].number == 12


def test_a_planned_transplant_without_a_day_has_no_known_day():
    assert hsct(chart(transplant()))["days_ahead"].reason is Reason.NOT_RECORDED


def test_a_month_is_a_span_of_days():
    ahead = hsct(chart(transplant(day0="2026-12")))["days_ahead"]

    assert (ahead.lo, ahead.hi) == (9, 39)


def test_a_plan_that_was_carried_out_is_no_plan_any_more():
    fields = hsct(chart(transplant(day0=40), procedure("hsct", at=40)))

    assert fields["intended"].reason is Reason.NOT_RECORDED
    assert fields["done"] is True


def test_a_completed_procedure_was_done():
    fields = hsct(chart(procedure("hsct", "hsct-allogeneic", at=400)))

    assert fields["done"] is True
    assert fields["autologous"] is False
    assert fields["days_since"].number == 400


def test_an_autologous_transplant_is_one_and_says_so():
    assert hsct(chart(procedure("hsct", "hsct-autologous", at=9)))["autologous"] is True


def test_a_history_of_transplant_is_one_without_a_day():
    fields = hsct(chart(condition("hsct-history")))

    assert fields["done"] is True
    assert fields["days_since"].reason is Reason.NO_DATE


@pytest.mark.parametrize(
    "fact",
    [
        procedure("hsct", at=9, status="not-done"),
        procedure("hsct", "not-hsct", at=9),
        procedure("hsct", at=-9),
        condition("hsct-history", verification="refuted"),
    ],
    ids=["not-done", "other", "ahead", "refuted"],
)
def test_what_was_not_done_was_not_done(fact):
    assert hsct(chart(fact))["done"] is False


@pytest.mark.parametrize("key", [PROCEDURES, CONDITIONS])
def test_none_found_is_not_none_done_while_a_search_is_unread(key):
    assert hsct(with_gaps(chart(), key))["done"].what == "whether a transplant was done"
    assert hsct(with_gaps(chart(procedure("hsct", at=9)), key))["done"] is True


def test_a_later_transplant_may_be_unread():
    since = hsct(with_gaps(chart(procedure("hsct", at=9)), PROCEDURES))["days_since"]

    assert (since.lo, since.hi) == (0, 9)


def test_what_is_shown_is_never_none():
    for of in (chart(), chart(transplant(day0=-3)), chart(procedure("hsct", at=3))):
        shown = the_reading(of, "transplant").show
        assert all(shown[name] is not None for name in ("day0", "date", "label", "why"))


# Conditioning


def conditioning(of, **selectors):
    return ask(
        of,
        "conditioning",
        class_="conditioning-alkylator",
        window=14,
        typical=TYPICAL,
        prophylaxis_after_graft="cyclophosphamide",
        **selectors,
    )


def fields(of, **selectors) -> dict:
    return dict(conditioning(of, **selectors).readings[0].fields)


def names(of) -> tuple[str, ...]:
    return conditioning(of).readings[0].show["names"]


def alkylators(of) -> Interval:
    return fields(of)["alkylators"]


def test_nothing_ordered_is_no_conditioning():
    assert fields(chart()) == {
        "alkylators": Interval.exactly(0),
        "drafted": False,
        "ordered": False,
        "transplant_evidence": False,
        "contains": None,
    }


def test_two_alkylators_before_a_planned_graft_are_two():
    of = chart(
        transplant(day0=-7), order_on_file("busulfan", when=-1), draft("cyclophosphamide", when=-4)
    )

    assert names(of) == ("busulfan", "cyclophosphamide")
    assert fields(of)["drafted"] is True
    assert fields(of)["ordered"] is True
    assert fields(of)["transplant_evidence"] is True


def test_two_orders_of_one_ingredient_are_one():
    of = chart(order_on_file("busulfan", when=-1), draft("busulfan", when=-2))

    assert alkylators(of).number == 1


def test_what_was_given_counts_with_what_is_ordered():
    assert alkylators(chart(dose(2, "busulfan"), draft("melphalan", when=0))).number == 2


def test_fludarabine_is_no_alkylator():
    assert names(chart(draft("fludarabine", when=0), draft("busulfan", when=0))) == ("busulfan",)


@pytest.mark.parametrize(("day", "counts"), [(14, True), (15, False)])
def test_the_window_before_the_graft_includes_its_first_day(day, counts):
    of = chart(transplant(day0=-1), dose(day - 1, "melphalan"))

    assert bool(names(of)) is counts


@pytest.mark.parametrize(("day", "counts"), [(1, True), (0, False), (-3, False)])
def test_cyclophosphamide_from_day_0_on_is_no_conditioning(day, counts):
    of = chart(transplant(day0=-5), draft("cyclophosphamide", when=-5 + day))

    assert bool(names(of)) is counts


def test_after_the_graft_cyclophosphamide_is_still_no_conditioning():
    of = chart(procedure("hsct", at=1), dose(6, "busulfan"), draft("cyclophosphamide", when=-2))

    assert names(of) == ("busulfan",)
    assert fields(of)["drafted"] is False
    assert fields(of)["ordered"] is False


@pytest.mark.parametrize(("apart", "count"), [(14, 2), (15, 1)])
def test_without_a_graft_day_those_within_the_window_of_each_other_count(apart, count):
    of = chart(order_on_file("busulfan", when=0), draft("melphalan", when=-apart))

    assert alkylators(of).number == count


def test_what_was_given_long_ago_is_no_conditioning_now():
    assert names(chart(dose(400, "busulfan"), dose(398, "melphalan"))) == ()


def test_conditioning_of_an_earlier_transplant_does_not_count_for_the_next():
    of = chart(procedure("hsct", at=20), dose(10, "busulfan"), dose(25, "melphalan"))

    assert names(of) == ("busulfan",)


def test_alkylators_without_any_sign_of_a_transplant_are_no_evidence_of_one():
    of = chart(order_on_file("cyclophosphamide", when=0), draft("bendamustine", when=0))

    assert fields(of)["transplant_evidence"] is False
    assert fields(of)["ordered"] is False


def test_an_intended_transplant_is_evidence():
    of = chart(transplant(), draft("cyclophosphamide", when=0))

    assert fields(of)["transplant_evidence"] is True
    assert fields(of)["ordered"] is True


def test_whether_one_of_them_is_the_drug_asked_for():
    of = chart(draft("thiotepa", when=0))

    assert fields(of, substance="thiotepa")["contains"] is True
    assert fields(of, substance="busulfan")["contains"] is False


@pytest.mark.parametrize("status", ["cancelled", "stopped", "entered-in-error"])
def test_a_dead_order_is_no_conditioning(status):
    assert names(chart(order_on_file("busulfan", when=0, status=status))) == ()


def test_an_order_that_names_no_day_is_for_now():
    assert names(chart(transplant(day0=-6), draft("busulfan"))) == ("busulfan",)


def test_a_typical_drug_ordered_long_before_the_graft_without_a_day_is_for_it():
    assert names(chart(transplant(day0=-40), draft("busulfan"))) == ("busulfan",)
    assert names(chart(transplant(day0=-40), draft("cyclophosphamide"))) == ()


@pytest.mark.parametrize("key", [MEDICATION_REQUESTS, MEDICATION_ADMINISTRATIONS])
def test_unread_drugs_may_be_more_alkylators(key):
    of = with_gaps(chart(draft("busulfan", when=0)), key)

    assert alkylators(of) == Interval.at_least(1)
    assert fields(of, substance="thiotepa")["contains"].reason is Reason.FAILED
    assert fields(with_gaps(chart(), key))["ordered"].reason is Reason.FAILED


def test_an_unidentified_drug_of_the_same_order_set_may_be_one():
    of = chart(
        draft("busulfan", when=0, order_set="FluBu"), unidentified("study drug", order_set="FluBu")
    )

    assert (alkylators(of).lo, alkylators(of).hi) == (1, 2)
    assert [gap.reason for gap in conditioning(of).gaps] == [Reason.UNRESOLVED]


def test_an_unidentified_drug_elsewhere_is_none():
    of = chart(draft("busulfan", when=0, order_set="FluBu"), unidentified("vitamin"))

    assert alkylators(of) == Interval.exactly(1)


def test_an_unidentified_drug_of_a_conditioning_order_set_may_be_one_by_itself():
    of = chart(unidentified("study drug", order_set="HSCT conditioning"))

    assert alkylators(of).hi == 1


def test_an_unread_plan_leaves_open_whether_it_is_for_a_transplant():
    of = with_gaps(chart(draft("cyclophosphamide", when=0)), SERVICE_REQUESTS)

    assert fields(of)["transplant_evidence"].what == INTENDED
