"""A dose that only the words of an order tell, and words that tell none."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from cds_service.facts.extract.dose_text import dose_in_words
from cds_service.facts.model import DrugUse, Measured
from tests.fhir_builders import administration, chart_of, medication_request, quantity


@pytest.mark.parametrize(
    ("text", "milligrams"),
    [
        ("C2D8: 1.0 mg IV over 1 hour", "1.0"),
        ("0,9 mg i.v. über 60 Minuten", "0.9"),
        ("inotuzumab 1.4mg in 50 mL sodium chloride 0.9 %", "1.4"),
        ("0.8 mg/m2 = 1.4 mg IV", "1.4"),
        ("0.9 mg every 7 days", "0.9"),
        ("1.4 mg IV day 1. Give 1.4 mg over 1 hour", "1.4"),
    ],
)
def test_a_dose_in_mg(text: str, milligrams: str) -> None:
    found = dose_in_words([text], "dose")

    assert found is not None
    assert (found.value.number, found.unit) == (Fraction(milligrams), "mg")


@pytest.mark.parametrize(
    ("text", "per_m2"),
    [
        ("0.8 mg/m2", "0.8"),
        ("0,5 mg/m² i.v.", "0.5"),
        ("0.5 mg / m^2 on day 8", "0.5"),
        ("0.8 mg/m2 = 1.4 mg IV", "0.8"),
    ],
)
def test_a_dose_in_mg_per_m2(text: str, per_m2: str) -> None:
    found = dose_in_words([text], "dose-per-m2")

    assert found is not None
    assert (found.value.number, found.unit) == (Fraction(per_m2), "mg/m2")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "IV over 1 hour",
        "0.8 mg/m2 day 1, 0.5 mg/m2 days 8 and 15",
        "0.8-0.5 mg/m2",
        "0.5 to 0.8 mg/m2",
        "0.5 mg to 0.8 mg",
        "1.4 mg, premedication hydrocortisone 100 mg",
        "2 x 0.9 mg",
        "two vials of 0.9 mg",
        "1.8 mg/m2 per cycle",
        "max. 2 mg",
        "0.25 mg/mL",
        "1 mg/kg",
        "1,250 mg",
        "1.4 mg if platelets above 50",
        "dose reduced from 1.4 mg",
        "10 mg per day",
    ],
)
def test_words_that_do_not_tell_one_dose(text: str) -> None:
    assert dose_in_words([text], "dose") is None
    assert dose_in_words([text], "dose-per-m2") is None


def number(amount: Measured | None) -> Fraction | None:
    """The number of an amount that is known."""
    return amount.value.number if amount else None


def the_use(resource: dict[str, Any]) -> DrugUse:
    """The one use of a drug in the chart."""
    (use,) = chart_of(resource, drafts=[]).drugs
    return use


def test_an_order_with_words_alone_has_the_dose_they_tell() -> None:
    use = the_use(medication_request(dosageInstruction=[{"text": "C2D8: 1.0 mg over 1 hour"}]))

    assert number(use.dose) == 1
    assert use.dose_per_m2 is None


def test_a_coded_dose_counts_before_words() -> None:
    coded = [{"doseQuantity": quantity("1.4", "mg")}]
    dosage = {"text": "0.8 mg/m2, 1.8 mg", "doseAndRate": coded}
    use = the_use(medication_request(dosageInstruction=[dosage]))

    assert number(use.dose) == Fraction("1.4")
    assert number(use.dose_per_m2) == Fraction("0.8")


def test_an_administration_with_words_alone_has_the_dose_they_tell() -> None:
    assert number(the_use(administration(dosage={"text": "0.9 mg IV"})).dose) == Fraction("0.9")
