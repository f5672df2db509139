"""When a medication counts as identified although no rule is about it."""

from __future__ import annotations

import pytest

from tests.fhir_builders import chart_of, medication_request
from tests.test_extract_drugs import ordered

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOCAL = "http://example.org/formulary"
AMOXICILLIN = {"system": RXNORM, "code": "308191", "display": "amoxicillin 500 MG Oral Capsule"}


def coded(text: str | None = None, **coding: str | None):
    """An order for a medication of one coding."""
    said = {key: value for key, value in coding.items() if value is not None}
    return ordered(medicationCodeableConcept={"coding": [said], **({"text": text} if text else {})})


def test_a_drug_with_a_code_and_a_name_that_is_none_of_ours_is_identified():
    """Otherwise every chart with an antibiotic would warn of an unidentified drug."""
    order = medication_request(medicationCodeableConcept={"coding": [AMOXICILLIN]})
    (use,) = chart_of(drafts=[order]).drugs

    assert use.resolved_by == "code"
    assert use.substances == frozenset()


def test_a_drug_on_file_that_is_none_of_ours_is_left_unread():
    order = medication_request(
        medicationCodeableConcept={"coding": [AMOXICILLIN]}, dosageInstruction="broken"
    )
    chart = chart_of(order, drafts=[])

    assert (chart.drugs, chart.set_aside) == ((), ())


@pytest.mark.parametrize(
    "coding",
    [
        {**AMOXICILLIN, "display": None},
        {**AMOXICILLIN, "system": LOCAL},
        {**AMOXICILLIN, "system": None},
    ],
    ids=["a code without a name", "a local code", "a code without a system"],
)
def test_a_drug_is_not_identified_by(coding):
    assert coded(**coding).resolved_by == "nothing"


def test_a_name_without_any_code_identifies_no_drug():
    assert ordered(medicationCodeableConcept={"text": "Study drug"}).resolved_by == "nothing"


def test_a_drug_of_ours_under_an_unknown_code_is_found_by_its_name():
    order = coded(system=RXNORM, code="99999999", display="ondansetron 8 MG Oral Tablet")

    assert order.substances == {"ondansetron"}
    assert order.resolved_by == "text"


def test_in_a_conditioning_set_a_drug_we_do_not_know_stays_unidentified():
    """It may be an alkylating agent under a name we do not know."""
    order = ordered(
        medicationCodeableConcept={"coding": [AMOXICILLIN]},
        groupIdentifier={"value": "Conditioning before HSCT"},
    )

    assert order.resolved_by == "nothing"
