"""Facts that cards cite are written once, with their source, and an unknown one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rulebook_files import RULE, complaints_about, folder_with, load

from cds_service.cards.templates import speak
from cds_service.cards.text import units
from cds_service.data import rules_dir
from cds_service.engine.reference import judge_plain
from cds_service.facts.answers import Answer, Reading
from cds_service.facts.interval import Interval
from cds_service.rulebook.complaints import Complaints
from cds_service.rulebook.model import Evidence
from cds_service.rulebook.shared_files import load_shared

FACTS = load_shared(rules_dir(), Complaints("rules")).evidence
CATALOGUE = [f"INO-EVD-{number:02}" for number in range(1, 17)]
CITES = RULE.replace(
    "    Above {{ p.limit }} × ULN.", '    Above {{ p.limit }}. {{ evidence["INO-EVD-06"] }}'
)


def test_every_entry_of_the_catalogue_is_there() -> None:
    assert set(CATALOGUE) <= set(FACTS)


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.id)
def test_a_fact_fits_a_card_and_ends_without_a_stop(fact: Evidence) -> None:
    assert not fact.text.endswith(".")
    assert units(str(fact)) < 1000


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.id)
def test_a_recalled_figure_says_so(fact: Evidence) -> None:
    assert ("recalled, not re-read" in str(fact)) == (set(fact.grades) == {"C"})


def test_a_secondary_text_says_so() -> None:
    assert str(Evidence("x", "It rained", "project seed text", ("S",))) == (
        "It rained (project seed text; secondary text)."
    )


def test_a_rule_keeps_the_facts_its_card_cites(tmp_path: Path) -> None:
    rulebook = load(folder_with(tmp_path, CITES))

    assert list(rulebook.rules["INO-LIV-07"].evidence) == ["INO-EVD-06"]
    assert rulebook.evidence == FACTS


def test_the_card_prints_sentence_and_source(tmp_path: Path) -> None:
    rule = load(folder_with(tmp_path, CITES)).rules["INO-LIV-07"]
    order, bilirubin = (clause.question for clause in rule.variants[0].when)
    shown = {"text": "1.81 mg/dL", "date": "2026-11-19"}
    times = {"times_uln": Interval.exactly(2)}
    answers = {
        order: Answer(order, (Reading({"placed": True}),)),
        bilirubin: Answer(bilirubin, (Reading(times, shown),)),
    }
    (verdict,) = judge_plain([rule], answers)

    detail = speak(verdict, hook="order-sign", profile="US").detail

    assert detail == f"Above 1.5. {FACTS['INO-EVD-06']}"


@pytest.mark.parametrize(
    "cited", ['evidence["INO-EVD-60"]', "evidence.something", "evidence[p.limit]", "evidence"]
)
def test_a_fact_nobody_wrote_down_is_refused(tmp_path: Path, cited: str) -> None:
    text = RULE.replace("Above {{ p.limit }} × ULN.", f"Above {{{{ p.limit }}}}. {{{{ {cited} }}}}")

    (complaint,) = complaints_about(tmp_path, text)

    assert 'which evidence.yaml does not hold; write evidence["id"].' in complaint
    assert complaint.startswith("rules/liver/ino-liv-07-bilirubin-raised.yaml:21: detail cites")


def test_a_near_miss_is_told(tmp_path: Path) -> None:
    text = CITES.replace("INO-EVD-06", "INO-EVD-6")

    (complaint,) = complaints_about(tmp_path, text)

    assert "Did you mean" in complaint


def test_a_summary_counts_the_whole_sentence(tmp_path: Path) -> None:
    text = RULE.replace(
        '"Bilirubin {{ bilirubin.text }} on {{ bilirubin.date }}"\n  detail',
        "'{{ evidence[\"INO-EVD-04\"] }}'\n  detail",
    )

    assert "characters long with the widest" in complaints_about(tmp_path, text)[0]


def test_a_fact_needs_a_source_and_a_known_grade(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    wrong = {"evidence": {"x": {"text": "It rained", "grades": ["Z"]}}}
    (folder / "evidence.yaml").write_text(yaml.safe_dump(wrong), encoding="utf-8")
    complaints = Complaints("rules")

    assert load_shared(folder, complaints).evidence == {}
    said = " ".join(message for _, _, message in complaints.lines)
    assert "evidence.x.source is missing" in said
    assert "evidence.x.grades" in said
