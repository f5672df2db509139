"""Diagnoses and procedures found by their words, where no code was verified."""

import pytest

from cds_service.facts.extract.concept_words import conditions_in_words, procedures_in_words
from tests.builders import terminology


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Sepsis, unspecified organism", "serious-infection"),
        ("Severe sepsis without septic shock", "serious-infection"),
        ("Lobar pneumonia", "serious-infection"),
        ("Febrile neutropenia", "febrile-neutropenia"),
        ("Neutropenic sepsis", "febrile-neutropenia"),
        ("Nontraumatic intracerebral hemorrhage, unspecified", "intracranial-bleeding"),
        ("Subdural haematoma", "intracranial-bleeding"),
        ("Life-threatening bleeding", "major-bleeding"),
        ("Gastrointestinal haemorrhage", "bleeding"),
        ("Infusion-related reaction, grade 3", "infusion-reaction"),
    ],
)
def test_a_diagnosis_is_known_by_its_words(text: str, concept: str) -> None:
    assert conditions_in_words([text], terminology()) == {concept}


@pytest.mark.parametrize(
    "text",
    [
        "No evidence of sepsis",
        "Sepsis ruled out",
        "Suspected pneumonia",
        "Pneumonia, resolved",
        "History of febrile neutropenia",
        "Pneumococcal pneumonia vaccination",
        "Meningitis prophylaxis",
        "Risk of bleeding",
        "Allergic rhinitis",
        "",
    ],
)
def test_what_is_denied_doubted_or_past_states_nothing(text: str) -> None:
    assert not conditions_in_words([text], terminology())


def test_of_several_texts_each_counts_for_itself() -> None:
    found = conditions_in_words(["No sepsis. Subarachnoid hemorrhage", "bleeding"], terminology())

    assert found == {"intracranial-bleeding", "bleeding"}


def test_a_platelet_transfusion_is_known_by_its_words() -> None:
    texts = ["Transfusion of platelets"]

    assert procedures_in_words(texts, terminology()) == {"platelet-transfusion"}
    assert terminology().resolve_drug((), "Apheresis platelets, irradiated").substances == {
        "platelet-transfusion"
    }


@pytest.mark.parametrize("text", ["Platelet count", "Platelet transfusion cancelled"])
def test_other_words_about_platelets_are_no_transfusion(text: str) -> None:
    assert not procedures_in_words([text], terminology())
