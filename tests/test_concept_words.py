"""Diagnoses and procedures found by their words, where no code was verified."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.extract.concept_words import (
    conditions_in_words,
    past_conditions_in_words,
    procedures_in_words,
    telling,
)
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
        ("Veno-occlusive disease", "vod-sos"),
        ("VOD/SOS", "vod-sos"),
        ("Hepatic sinusoidal obstruction syndrome, severe", "vod-sos"),
        ("Gilbert syndrome", "gilbert"),
        ("Gilbert's disease", "gilbert"),
        ("M. Meulengracht", "gilbert"),
        ("Autoimmune haemolytic anaemia", "hemolysis"),
        ("Hämolytische Anämie", "hemolysis"),
        ("Long QT", "long-qt"),
        ("QTc prolongation on ondansetron", "long-qt"),
        ("Torsades de pointes", "torsades"),
        ("Primary biliary cirrhosis", "serious-liver-disease"),
        ("Pregnant, 12 weeks", "pregnancy"),
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
        "No history of VOD",
        "Rule out VOD",
        "VOD ruled out",
        "VOD excluded",
        "VOD not present",
        "VOD risk assessment",
        "High VOD risk",
        "VOD prophylaxis with ursodiol",
        "At risk for VOD",
        "V. a. VOD",
        "Kein Hinweis auf VOD",
        "Z. n. Schwangerschaft",
        "Family history of long QT syndrome",
        "Mother with Gilbert syndrome",
        "Not pregnant",
        "Allergic rhinitis",
        "",
    ],
)
def test_what_is_denied_doubted_or_past_states_nothing(text: str) -> None:
    assert not conditions_in_words([text], terminology())


@pytest.mark.parametrize(
    "text",
    [
        "History of VOD",
        "Prior hepatic veno-occlusive disease after HSCT",
        "H/o VOD",
        "Z.n. VOD",
        "VOD (resolved)",
        "Past medical history of sinusoidal obstruction syndrome",
    ],
)
def test_a_disease_once_had_is_past_and_not_present(text: str) -> None:
    assert past_conditions_in_words([text], terminology()) == {"vod-sos"}
    assert not conditions_in_words([text], terminology())


@pytest.mark.parametrize(
    "text",
    [
        "No history of VOD",
        "Family history of VOD",
        "History negative for VOD",
        "History of suspected VOD",
        "VOD, not resolved",
        "No VOD, resolved",
        "VOD",
    ],
)
def test_no_disease_once_had(text: str) -> None:
    assert not past_conditions_in_words([text], terminology())


def test_the_same_disease_of_the_lung_is_not_that_of_the_liver() -> None:
    found = conditions_in_words(["Pulmonary veno-occlusive disease"], terminology())

    assert "vod-sos" not in found


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


PIECES = st.sampled_from(
    [
        *("veno", "occlusive", "disease", "VOD", "SOS", "sepsis", "long", "QT", "gilbert", "fever"),
        *("no", "history of", "s/p", "Z.n.", "V. a.", "suspected", "resolved", "without", "post"),
        *("bone marrow", "biopsy", "liver", "transplant", "hämolytische", "no\N{COMBINING TILDE}"),
        *(".", "; ", ", ", "-", "/", "_", " ", "\n", "\u0301"),
    ]
)
TEXTS = st.lists(
    st.lists(PIECES, max_size=10).map("".join) | st.lists(PIECES, max_size=10).map(" ".join),
    max_size=3,
)


@given(TEXTS)
def test_a_text_that_a_quick_look_leaves_out_states_nothing(texts: list[str]) -> None:
    known = terminology()
    quick = telling(texts, known.conditions_in)
    assert conditions_in_words(quick, known) == conditions_in_words(texts, known)
    assert past_conditions_in_words(quick, known) == past_conditions_in_words(texts, known)

    quick = telling(texts, known.procedures_in)
    assert procedures_in_words(quick, known) == procedures_in_words(texts, known)


def test_a_quick_look_leaves_out_what_speaks_of_nothing_we_know() -> None:
    texts = ["Essential (primary) hypertension", "VOD", "VOD", "Hypothyroidism, unspecified"]

    assert telling(texts, terminology().conditions_in) == ("VOD",)
