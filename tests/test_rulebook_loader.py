"""What a good rule file becomes, and that nothing but RulesError comes of a bad one."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rulebook_files import FILE, RULE, folder_with, good_rule, load, terminology, with_line

from cds_service.data import rules_dir
from cds_service.errors import RulesError
from cds_service.facts.answers import Question
from cds_service.rulebook.loader import load_rulebook, read_rulebook
from cds_service.rulebook.model import Test as Comparison


def test_a_clause_becomes_a_question_and_its_tests(tmp_path: Path) -> None:
    rule = good_rule(tmp_path)
    (variant,) = rule.variants
    bilirubin = variant.when[1]

    assert bilirubin.question == Question(
        "lab", (("analyte", ("total-bilirubin",)), ("within", Fraction(7)))
    )
    assert bilirubin.tests == (Comparison("times_uln", "gt", Fraction(3, 2), "limit"),)
    assert bilirubin.parameters == (("within", "window"),)
    assert bilirubin.line == 18


def test_numbers_are_exact(tmp_path: Path) -> None:
    rule = good_rule(tmp_path, with_line("value: 1.50", "value: 0.1"))

    assert rule.parameters["limit"].value == Fraction(1, 10)


def test_two_clauses_that_ask_the_same_share_one_question(tmp_path: Path) -> None:
    """The order in which selectors are written makes no difference."""
    text = with_line(
        "card:\n",
        "  again: {fact: lab, within: $window, analyte: [total-bilirubin], times_uln: {gte: 0}}\n"
        "card:\n",
    )
    _, one, other = good_rule(tmp_path, text).variants[0].when

    assert one.question == other.question


def test_a_set_of_words_is_compared_by_in(tmp_path: Path) -> None:
    setting = "  setting: {fact: setting, profile: {in: [US, EU]}, hook: order-sign}\ncard:\n"
    clause = good_rule(tmp_path, with_line("card:\n", setting)).variants[0].when[2]

    assert clause.tests == (
        Comparison("profile", "in", frozenset({"US", "EU"})),
        Comparison("hook", "is", "order-sign"),
    )


def test_a_rule_without_variants_has_one_called_main(tmp_path: Path) -> None:
    (variant,) = good_rule(tmp_path).variants

    assert (variant.name, variant.indicator) == ("main", "warning")


def test_a_variant_takes_what_it_lacks_from_the_rule(tmp_path: Path) -> None:
    variants = """\
variants:
  first:
    when: {signed: {fact: setting, hook: order-sign}}
    card: {summary: Another sentence}
  second:
    indicator: info
    when: {selected: {fact: setting, hook: order-select}}
"""
    text = with_line("card:\n", variants + "card:\n")
    text = text.replace("    expect: fires\n", "    expect: fires\n    variant: first\n")
    text += """\
  - name: fires for the second
    today: 2026-11-20
    given: {}
    expect: fires
    variant: second
"""
    first, second = good_rule(tmp_path, text).variants

    assert [clause.name for clause in first.when] == ["order", "bilirubin", "signed"]
    assert (first.indicator, first.card.summary) == ("warning", "Another sentence")
    assert (second.indicator, second.card.summary[:9]) == ("info", "Bilirubin")
    assert first.card.detail == second.card.detail


def test_a_case_keeps_its_chart_as_written(tmp_path: Path) -> None:
    fires, silent, unknown = good_rule(tmp_path).cases

    assert fires.given["bilirubin"]["value"] == "1.81 mg/dL"
    assert silent.given["bilirubin"]["value"] == "1.80 mg/dL"
    assert (unknown.expect, unknown.missing) == ("unknown", "bilirubin")
    assert (fires.today, fires.hook, fires.profile) == (date(2026, 11, 20), "order-sign", "US")


def test_a_rule_knows_its_file_chapter_and_hash(tmp_path: Path) -> None:
    rule = good_rule(tmp_path)

    assert (rule.file, rule.chapter) == (FILE, "liver")
    assert len(rule.sha256) == 64


def test_the_hash_of_the_rulebook_changes_with_any_file(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    before = load(folder).sha256
    (folder / "services.yaml").write_text(
        (folder / "services.yaml").read_text(encoding="utf-8") + "\n# a word more\n",
        encoding="utf-8",
    )

    assert load(folder).sha256 != before


def test_a_broken_file_does_not_hide_the_others_from_an_author(tmp_path: Path) -> None:
    broken = with_line("id: INO-LIV-07", "id: INO-LIV-08").replace("status: active", "status: x")
    rulebook, complaints = read_rulebook(folder_with(tmp_path, RULE, broken), terminology())

    assert list(rulebook.rules) == ["INO-LIV-07"]
    assert complaints.lines


def test_services_come_with_their_hook_and_a_warning() -> None:
    """One id per hook, and none pretends to be reviewed."""
    services = load_rulebook(rules_dir(), terminology()).services

    assert {service.id: service.hook for service in services} == {
        "inotuzumab-order-sign": "order-sign",
        "inotuzumab-order-select": "order-select",
        "inotuzumab-patient-view": "patient-view",
    }
    for service in services:
        assert "not reviewed by a clinician" in service.usage_requirements
        assert "not a medical device" in service.usage_requirements


def test_an_offered_resource_is_a_draft_that_the_card_completes(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    (folder / "suggestions.yaml").write_text(
        "resources:\n  x: {resourceType: Patient, status: active, intent: order, subject: {}}\n",
        encoding="utf-8",
    )

    with pytest.raises(RulesError) as error:
        load(folder)

    assert error.value.complaints == (
        "rules/suggestions.yaml:2: x.resourceType must be one of: ServiceRequest, "
        "MedicationRequest",
        'rules/suggestions.yaml:2: x.status must be "draft"',
        "rules/suggestions.yaml:2: x.subject is filled in by the card; leave it out",
    )


WORDS = st.sampled_from(
    ["id", "fact", "lab", "when", "cases", "given", "expect", "unknown", "$limit", "INO-LIV-07",
     "{{ bilirubin.text }}", "{{", "order", "label", "1.0.0", "order-sign", "A", "warning", ""]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | WORDS | st.dates() | st.text(max_size=5)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [key for key in yaml.safe_load(RULE) if isinstance(key, str)] + ["variants", "unless_fires"]
)


@given(st.dictionaries(KEYS, TREES, max_size=4))
@settings(max_examples=80)
def test_whatever_stands_in_a_rule_file_only_rules_error_comes_of_it(
    changes: dict[str, object],
) -> None:
    """A good rule with some of its parts replaced by anything."""
    text = yaml.safe_dump({**yaml.safe_load(RULE), **changes}, allow_unicode=True)
    with TemporaryDirectory() as place:
        folder = folder_with(Path(place), text)
        with suppress(RulesError):
            load(folder)


@given(st.dictionaries(st.sampled_from(["services", "override_reasons", "resources"]), TREES))
@settings(max_examples=30)
def test_whatever_stands_in_a_shared_file_only_rules_error_comes_of_it(
    content: dict[str, object],
) -> None:
    with TemporaryDirectory() as place:
        folder = folder_with(Path(place), RULE)
        for name in ("services.yaml", "overrides.yaml", "suggestions.yaml", "evidence.yaml"):
            (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
        with pytest.raises(RulesError):
            load(folder)
