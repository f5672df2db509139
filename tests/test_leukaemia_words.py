"""What the words of a leukaemia diagnosis add to its code."""

import pytest

from cds_service.facts.extract.leukaemia_words import LEUKAEMIAS, leukaemia_words
from tests.builders import terminology

RELAPSED, POSITIVE, NEGATIVE = "relapsed-or-refractory", "ph-positive", "ph-negative"


@pytest.mark.parametrize(
    "text",
    [
        "Relapsed B-ALL",
        "B-cell acute lymphoblastic leukemia, in second relapse",
        "B-ALL, primary refractory",
        "relapsed/refractory B-ALL",
        "R/R B-ALL, relapsing",
    ],
)
def test_relapsed_or_refractory(text):
    assert RELAPSED in leukaemia_words([text])


@pytest.mark.parametrize(
    "text",
    ["B-ALL, not relapsed", "no relapse", "B-ALL without relapse", "non-refractory", "B-ALL"],
)
def test_not_said_to_be_relapsed(text):
    assert RELAPSED not in leukaemia_words([text])


@pytest.mark.parametrize(
    "text",
    [
        "Ph+ B-ALL",
        "Ph-positive ALL",
        "Ph (+) ALL",
        "Philadelphia chromosome positive B-ALL",
        "Philadelphia chromosome-positive acute lymphoblastic leukemia",
        "B-ALL with BCR::ABL1",
        "BCR-ABL1 positive B-ALL",
        "B lymphoblastic leukemia with t(9;22)(q34;q11.2)",
    ],
)
def test_philadelphia_positive(text):
    assert leukaemia_words([text]) == {POSITIVE}


@pytest.mark.parametrize(
    "text",
    [
        "Ph-negative B-ALL",
        "Ph- B-ALL",
        "Ph(-) ALL",
        "Philadelphia chromosome negative ALL",
        "BCR::ABL1 negative B-ALL",
        "B-ALL, no BCR-ABL1",
        "B-ALL without t(9;22)",
        "B-ALL, BCR::ABL1 not detected",
    ],
)
def test_philadelphia_negative(text):
    assert leukaemia_words([text]) == {NEGATIVE}


@pytest.mark.parametrize(
    "text", ["Ph-like B-ALL", "BCR::ABL1-like B-ALL", "B-ALL", "pH 7.3", "Phase 2 trial, B-ALL", ""]
)
def test_nothing_is_said_of_philadelphia(text):
    assert leukaemia_words([text]) == frozenset()


def test_two_texts_may_contradict_each_other():
    assert leukaemia_words(["Ph+ ALL", "BCR-ABL1 negative"]) == {POSITIVE, NEGATIVE}


def test_every_concept_is_known_to_the_rules():
    for concept in (*LEUKAEMIAS, RELAPSED, POSITIVE, NEGATIVE):
        assert terminology().kind_of(concept) == "condition", concept


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Precursor B-cell acute lymphoblastic leukemia", "b-all"),
        ("B-ALL, relapsed", "b-all"),
        ("Acute lymphoblastic leukaemia", "all-unspecified-lineage"),
        ("T-cell acute lymphoblastic leukemia", "t-all-exclude"),
        ("Nodular regenerative hyperplasia of liver", "serious-liver-disease"),
        ("Breastfeeding mother", "lactation"),
        ("Postmenopausal state", "menopause-or-sterilisation"),
        ("Pregnant", "pregnancy"),
    ],
)
def test_a_diagnosis_without_a_known_code_is_known_by_its_words(text, concept):
    assert terminology().conditions_in(text) == {concept}
