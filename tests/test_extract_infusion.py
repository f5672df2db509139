"""How the order being signed says that the dose is prepared, run and by which route given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.facts.interval import Interval
from cds_service.facts.model import DrugUse, Infusion
from tests.fhir_builders import (
    INO,
    Resource,
    administration,
    chart_of,
    concept,
    medication_request,
    quantity,
)

SALINE = frozenset({"sodium-chloride"})


def drafted(*dosages: Resource, **elements: Any) -> DrugUse:
    """The order being signed."""
    order = medication_request(status="draft", dosageInstruction=list(dosages), **elements)
    (use,) = chart_of(drafts=[order]).drugs
    return use


def run(*dosages: Resource, **elements: Any) -> Infusion:
    return drafted(*dosages, **elements).infusion or Infusion()


def bag(*ingredients: Resource, **elements: Any) -> Infusion:
    """An order of a mixture."""
    mixture = {"resourceType": "Medication", "id": "bag", "ingredient": list(ingredients)}
    order = {
        "medicationCodeableConcept": None,
        "medicationReference": {"reference": "#bag"},
        "contained": [mixture],
    }
    dosages = elements.pop("dosageInstruction", [])
    return run(*dosages, **order, **elements)


def part(name: str, millilitres: str | None = None) -> Resource:
    strength = {"numerator": quantity(millilitres, "mL")} if millilitres else None
    whole = {"itemCodeableConcept": concept(name), "strength": strength}
    return {element: value for element, value in whole.items() if value is not None}


def minutes(*dosages: Resource) -> str | None:
    found = run(*dosages).minutes
    if found is None:
        return None
    return str(found.lo) if found.lo == found.hi else f"{found.lo} to {found.hi}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9 mg IV over 1 hour", "60"),
        ("0.9 mg IV over 60 min", "60"),
        ("infuse over one hour", "60"),
        ("infuse over an hour", "60"),
        ("over 1 h 30 min", "90"),
        ("over 1.5 hours", "90"),
        ("over 30-60 minutes", "30 to 60"),
        ("over approximately 60 minutes", "60"),
        ("as a 1-hour infusion", "60"),
        ("60-minute IV infusion", "60"),
        ("in 50 mL 0.9 % sodium chloride at 50 mL/h", "60"),
        ("50 mL of 0.9% NaCl, run at 100 mL/hr", "30"),
        ("over 1 hour. Observe over 2 hours after the end", "60"),
        ("Premedicate over 30 minutes, then infuse over 1 hour", "60"),
        ("at 50 mL/h", None),
        ("monitor for 1 hour", None),
        ("Do not infuse over 30 minutes", None),
        ("over at least 60 minutes", None),
        ("over 3 days", None),
        ("2 mg", None),
    ],
)
def test_the_words_of_an_order_may_say_how_long_it_runs(text: str, expected: str | None) -> None:
    assert minutes({"text": text}) == expected


def repeat(**elements: Any) -> Resource:
    return {"timing": {"repeat": elements}}


@pytest.mark.parametrize(
    ("dosage", "expected"),
    [
        (repeat(duration=Decimal(1), durationUnit="h"), "60"),
        (repeat(duration=45, durationUnit="min"), "45"),
        (repeat(duration=1, durationMax=2, durationUnit="h"), "60 to 120"),
        (repeat(duration=1), None),
        (repeat(duration=0, durationUnit="h"), None),
        (repeat(duration="1 h", durationUnit="h"), None),
        (repeat(duration=1, durationUnit="wk"), None),
    ],
)
def test_a_coded_duration_is_read(dosage: Resource, expected: str | None) -> None:
    assert minutes(dosage) == expected


def test_a_duration_and_words_that_differ_are_everything_between() -> None:
    assert minutes({**repeat(duration=2, durationUnit="h"), "text": "over 1 hour"}) == "60 to 120"


@pytest.mark.parametrize(
    "rate",
    [
        {"rateQuantity": quantity("50", "mL/h")},
        {"rateRatio": {"numerator": quantity("50", "mL"), "denominator": quantity("1", "h")}},
        {"rateRatio": {"numerator": quantity("50", "mL"), "denominator": quantity("60", "min")}},
    ],
)
def test_a_rate_and_a_volume_give_the_time(rate: Resource) -> None:
    assert minutes({"doseAndRate": [rate], "text": "in 50 mL 0.9 % sodium chloride"}) == "60"
    assert minutes({"doseAndRate": [rate]}) is None


def test_a_rate_of_the_drug_gives_the_time_of_its_dose() -> None:
    dose = {
        "doseQuantity": quantity("0.9", "mg"),
        "rateRatio": {"numerator": quantity("0.9", "mg"), "denominator": quantity("1", "h")},
    }

    assert minutes({"doseAndRate": [dose]}) == "60"


@pytest.mark.parametrize(
    "rate",
    [
        {"rateQuantity": quantity("0", "mL/h")},
        {"rateQuantity": quantity("50", "mL")},
        {"rateQuantity": quantity("50", "furlong/h")},
        {"rateRatio": {"numerator": quantity("50", "mL"), "denominator": quantity("0", "h")}},
        {"rateRatio": {"numerator": quantity("50", "mL")}},
        {"rateRatio": "fast"},
    ],
)
def test_a_rate_that_makes_no_sense_gives_none(rate: Resource) -> None:
    assert minutes({"doseAndRate": [rate], "text": "in 50 mL saline"}) is None


@pytest.mark.parametrize(
    ("text", "diluents"),
    [
        ("in 50 mL 0.9 % sodium chloride", SALINE),
        ("in 50 mL dextrose 5 %", frozenset({"glucose"})),
        ("in 50 mL D5W", frozenset({"glucose"})),
        ("in 50 mL saline. Flush the line with dextrose", SALINE),
        ("in 50 mL saline. Do not dilute in dextrose", SALINE),
        ("Reconstitute with sterile water, dilute in 50 mL saline", SALINE),
        ("0.9 mg IV", frozenset()),
    ],
)
def test_the_words_may_name_the_diluent(text: str, diluents: frozenset[str]) -> None:
    assert run({"text": text}).diluents == diluents


def test_a_mixture_names_its_diluent_and_volume() -> None:
    found = bag(part(INO), part("sodium-chloride", "50"))

    assert (found.diluents, found.mixed_with) == (SALINE, frozenset())
    assert found.volume_ml == Interval.exactly(50)


def test_a_mixture_of_two_drugs_says_both() -> None:
    assert bag(part(INO), part("ondansetron")).mixed_with == {INO, "ondansetron"}


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("mixed with ondansetron", {"ondansetron"}),
        ("in the same bag as ondansetron 8 mg", {"ondansetron"}),
        ("Y-site with ondansetron", {"ondansetron"}),
        ("mixed with 50 mL sodium chloride", set()),
        ("Do not mix with ondansetron", set()),
        ("Give ondansetron 30 minutes before", set()),
        ("Do not run with other drugs, ondansetron included", set()),
    ],
)
def test_the_words_may_name_another_drug_in_the_bag_or_line(text: str, others: set[str]) -> None:
    assert run({"text": text}).mixed_with == others


@pytest.mark.parametrize(
    ("dosage", "syringe"),
    [
        ({"text": "via syringe over 1 hour"}, True),
        ({"method": {"text": "Syringe pump"}}, True),
        ({"text": "do not draw into a syringe"}, False),
    ],
)
def test_a_syringe_is_said(dosage: Resource, syringe: bool) -> None:
    assert run(dosage).syringe is syringe


def test_an_order_that_says_nothing_of_it_has_no_infusion() -> None:
    assert drafted({"text": "0.9 mg IV"}).infusion is None


def test_only_what_is_being_ordered_is_read_so_closely() -> None:
    order = medication_request(dosageInstruction=[{"text": "over 1 hour"}])
    (use,) = chart_of(order, drafts=[]).drugs

    assert use.infusion is None


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ({"coding": [{"code": "47625008"}]}, "intravenous"),
        ({"coding": [{"code": "26643006", "display": "Oral route"}]}, "oral"),
        ({"coding": [{"code": "72607000"}]}, "intrathecal"),
        ({"text": "IV"}, "intravenous"),
        ({"text": "IVPB"}, "intravenous"),
        ({"text": "Intravenous use"}, "intravenous"),
        ({"text": "SC"}, "subcutaneous"),
        ({"text": "subcut"}, "subcutaneous"),
        ({"text": "IM"}, "intramuscular"),
        ({"text": "by mouth"}, "oral"),
        ({"text": "PO"}, "oral"),
        ({"text": "give it slowly"}, "give it slowly"),
        ({"coding": [{"code": "X12"}]}, "X12"),
    ],
)
def test_a_route_is_one_word(route: Resource, expected: str) -> None:
    assert drafted({"route": route}).route == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9 mg IV over 1 hour", "intravenous"),
        ("inject subcutaneously", "subcutaneous"),
        ("0.9 mg IV. Do not give SC", "intravenous"),
        ("Premedicate PO. 0.9 mg IV", "intravenous"),
        ("IV or PO", ""),
        ("give it slowly", ""),
        ("Encourage oral fluids", ""),
    ],
)
def test_without_a_route_the_instructions_may_name_the_one(text: str, expected: str) -> None:
    assert drafted({"text": text}).route == expected


def test_a_route_that_is_named_comes_before_the_instructions() -> None:
    assert drafted({"text": "IV"}, {"route": {"text": "oral"}}).route == "oral"


def test_a_dose_given_has_its_route() -> None:
    dose = administration(dosage={"route": {"text": "I.V."}})
    (use,) = chart_of(dose, drafts=[]).drugs

    assert use.route == "intravenous"
