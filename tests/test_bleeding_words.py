"""Bleeding that its own words call grade 3 or more, or severe."""

import pytest

from cds_service.facts.extract.bleeding_words import bleeding_words
from tests.fhir_builders import PATIENT_ID, chart_of


@pytest.mark.parametrize(
    "text",
    [
        "Gastrointestinal hemorrhage, grade 3",
        "GI haemorrhage (CTCAE grade 4)",
        "Epistaxis grade III",
        "Epistaxis, grade 2-3",
        "Hematuria grade >=3",
        "Grade 3 gastrointestinal bleeding",
        "Severe upper GI bleed",
        "Life-threatening pulmonary hemorrhage",
        "Haematuria, severe",
    ],
)
def test_bleeding_is_major_when_its_words_grade_it(text: str) -> None:
    assert bleeding_words([text]) == {"major-bleeding"}


@pytest.mark.parametrize(
    "text",
    [
        "Gastrointestinal hemorrhage",
        "Epistaxis, grade 2",
        "Epistaxis, grade 1-2",
        "Non-severe epistaxis",
        "Severe anemia due to bleeding",
        "Severe thrombocytopenia with minor bleeding",
        "Minor bleeding",
    ],
)
def test_bleeding_without_a_grade_of_its_own_is_not(text: str) -> None:
    assert bleeding_words([text]) == set()


def test_a_diagnosis_of_bleeding_carries_both() -> None:
    condition = {
        "resourceType": "Condition",
        "id": "bleed",
        "subject": {"reference": f"Patient/{PATIENT_ID}"},
        "code": {"text": "Gastrointestinal hemorrhage, grade 3"},
    }
    (entry,) = chart_of(condition).conditions

    assert entry.concepts == {"bleeding", "major-bleeding"}
