"""Adverse events and allergies that are put down to a substance."""

import pytest

from cds_service.facts.unknown import Reason
from cds_service.facts.vocabulary import ADVERSE_EVENTS, ALLERGIES
from tests.builders import INO, ask, chart, dose, harm, unreadable, with_gaps

REACTION = "Infusion-related reaction"


def asked(*facts, **more):
    return ask(
        chart(*facts), "harm", **{"substance": INO, "concept": ["infusion-reaction"], **more}
    )


def found(*facts, **more):
    return [reading.show["label"] for reading in asked(*facts, **more).readings]


def test_an_event_is_of_a_concept_by_its_code_or_its_words():
    assert found(harm(INO, label=REACTION)) == [REACTION]
    assert found(harm(INO, label="event", concepts=frozenset({"infusion-reaction"}))) == ["event"]
    assert found(harm(INO, label="Neutropenia")) == []


def test_any_event_is_meant_when_no_concept_is_asked_for():
    assert found(harm(INO, label="Neutropenia"), concept=[]) == ["Neutropenia"]


def test_an_allergy_is_a_reaction_by_itself():
    assert found(harm(INO, kind="allergy", label="BESPONSA")) == ["BESPONSA"]


def test_only_what_is_asked_for_counts():
    facts = (harm(INO, label=REACTION), harm(INO, kind="allergy", label="allergy"))

    assert found(*facts, type="allergy") == ["allergy"]
    assert found(*facts, type="adverse-event") == [REACTION]


def test_another_drug_or_an_unrelated_event_is_none():
    assert found(harm("busulfan", label=REACTION)) == []
    assert found(harm(INO, label=REACTION, related=False)) == []


def test_an_unrecorded_severity_is_unknown_and_said():
    (reading,) = asked(harm(INO, label=REACTION)).readings

    assert reading.fields["severity"].reason is Reason.NOT_RECORDED
    assert reading.fields["severity_recorded"] is False
    assert reading.fields["grade"].reason is Reason.NOT_RECORDED


def test_an_allergy_without_a_severity_is_named_as_one():
    (reading,) = asked(harm(INO, kind="allergy", label="BESPONSA")).readings

    assert reading.fields["severity"].what == "severity of the allergy to BESPONSA"


def test_severity_grade_and_state_are_read():
    (reading,) = asked(harm(INO, label=REACTION, severity="severe", grade=3, ended=True)).readings

    assert reading.fields["severity"] == "severe"
    assert reading.fields["grade"].number == 3
    assert reading.fields["resolved"] is True


def test_a_reaction_without_a_cause_may_be_to_a_drug_given_before():
    reaction = harm(label=REACTION, at=3)

    assert [each.reason for each in asked(reaction, dose(5)).gaps] == [Reason.NOT_RECORDED]
    assert [each.reason for each in asked(harm(label=REACTION), dose(5)).gaps]


@pytest.mark.parametrize("facts", [(), (dose(2),)])
def test_it_was_not_to_a_drug_not_given_by_then(facts):
    assert asked(harm(label=REACTION, at=3), *facts).gaps == ()


@pytest.mark.parametrize(
    ("type_", "key", "matters"),
    [
        ("allergy", ALLERGIES, True),
        ("allergy", ADVERSE_EVENTS, False),
        ("adverse-event", ADVERSE_EVENTS, True),
        ("adverse-event", ALLERGIES, False),
    ],
)
def test_only_the_searches_asked_for_leave_gaps(type_, key, matters):
    answer = ask(with_gaps(chart(), key), "harm", substance=INO, type=type_)

    assert bool(answer.gaps) is matters


def test_an_allergy_to_nobody_knows_what_leaves_it_open():
    assert asked(unreadable(ALLERGIES)).gaps


def test_an_entry_without_a_grade_has_the_one_its_severity_describes():
    (reading,) = asked(harm(INO, label=REACTION, severity="moderate")).readings

    assert reading.fields["grade"].number == 2
