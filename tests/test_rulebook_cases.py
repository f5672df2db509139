"""From the compact notation of a case to a chart, and from a verdict to passed or failed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from rulebook_files import good_rule, terminology

from cds_service.facts.interval import Interval, Truth
from cds_service.facts.model import Chart, Moment
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.cases import chart_of, run
from cds_service.rulebook.chart_facts import GAP_REASONS, KEYS, PREFETCH_KEYS, READERS
from cds_service.rulebook.entries import CaseError
from cds_service.rulebook.model import Case, Clause, Rule, Variant

INO = "inotuzumab-ozogamicin"


@pytest.fixture
def rule(tmp_path: Path) -> Rule:
    return good_rule(tmp_path)


def chart(rule: Rule, **given: dict[str, object]) -> Chart:
    """The chart of a case that gives these facts on 20 November 2026."""
    case = Case("a case", date(2026, 11, 20), given, "silent")
    return chart_of(case, rule, terminology())


def whole_day(text: str) -> Moment:
    return Moment(date.fromisoformat(text), date.fromisoformat(text))


def test_a_case_happens_at_noon_under_the_first_hook_of_the_rule(rule: Rule) -> None:
    empty = chart(rule)

    assert empty.now == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert (empty.hook, empty.profile) == ("order-sign", "US")
    assert (empty.labs, empty.drugs, dict(empty.gaps)) == ((), (), {})


def test_profile_and_hook_change_the_setting(rule: Rule) -> None:
    case = replace(rule.cases[0], profile="EU", hook="patient-view")
    read = chart_of(case, rule, terminology())

    assert (read.hook, read.profile) == ("patient-view", "EU")


def test_a_lab_result_has_value_limit_and_canonical_value(rule: Rule) -> None:
    (lab,) = chart(
        rule,
        bilirubin={
            "fact": "lab", "analyte": "total-bilirubin", "value": "34.2 umol/L",
            "uln": "21 umol/L", "at": date(2026, 11, 19),
        },
    ).labs  # fmt: skip

    assert lab.value is not None
    assert (lab.value.value.number, lab.value.unit) == (Fraction("34.2"), "umol/L")
    assert lab.canonical is not None
    assert lab.uln is not None
    assert lab.when == whole_day("2026-11-19")
    assert lab.source.reference == "Observation/bilirubin"


def test_a_result_below_detection_is_an_interval(rule: Rule) -> None:
    (lab,) = chart(
        rule, b={"fact": "lab", "analyte": "total-bilirubin", "value": "<0.2 mg/dL"}
    ).labs

    assert lab.value is not None
    assert lab.value.value == Interval(Fraction(0), Fraction("0.2"), hi_open=True)


def test_a_result_without_a_value_says_why(rule: Rule) -> None:
    (lab,) = chart(rule, b={"fact": "lab", "analyte": "alt", "problem": "unit not understood"}).labs

    assert lab.problem == Unknown("ALT", Reason.UNIT, reference="Observation/b")


def test_an_order_is_a_draft_with_its_stated_place_in_the_course(rule: Rule) -> None:
    (order,) = chart(
        rule,
        order={
            "fact": "order", "substance": INO, "dose": "1.4 mg", "cycle": 2, "day": 8,
            "on": date(2026, 11, 21),
        },
    ).drugs  # fmt: skip

    assert (order.kind, order.role, order.status) == ("order", "draft", "draft")
    assert (order.cycle, order.day, order.days) == (2, 8, (date(2026, 11, 21),))
    assert order.start == whole_day("2026-11-21")
    assert order.dose is not None
    assert order.label == "inotuzumab ozogamicin"


def test_a_dose_by_surface_is_kept_apart(rule: Rule) -> None:
    (order,) = chart(rule, o={"fact": "order", "substance": INO, "dose": "0.8 mg/m2"}).drugs

    assert order.dose is None
    assert order.dose_per_m2 is not None


def test_a_drug_is_on_file_and_active(rule: Rule) -> None:
    (drug,) = chart(
        rule,
        amio={"fact": "drug", "kind": "statement", "substance": "amiodarone", "end": "2026-09"},
    ).drugs

    assert (drug.kind, drug.role, drug.status) == ("statement", "on-file", "active")
    assert drug.end == Moment(date(2026, 9, 1), date(2026, 9, 30))
    assert drug.source.reference == "MedicationStatement/amio"


def test_a_drug_that_was_not_identified_has_a_name_only(rule: Rule) -> None:
    (drug,) = chart(rule, d={"fact": "drug", "label": "Study drug 7"}).drugs

    assert (drug.substances, drug.resolved_by, drug.label) == (
        frozenset(), "nothing", "Study drug 7",
    )  # fmt: skip


def test_a_list_of_days_is_as_many_doses(rule: Rule) -> None:
    days = [date(2026, 10, 8), date(2026, 10, 1)]
    first, second = chart(rule, given={"fact": "dose", "substance": INO, "on": days}).drugs

    assert (first.days, second.days) == ((days[1],), (days[0],))
    assert (first.kind, first.status) == ("administration", "completed")
    assert first.source != second.source


def test_a_diagnosis_is_active_and_confirmed_unless_it_says_otherwise(rule: Rule) -> None:
    (entry,) = chart(rule, vod={"fact": "condition", "concept": "vod-sos"}).conditions

    assert (entry.clinical_status, entry.verification) == ("active", "confirmed")
    assert entry.concepts == {"vod-sos"}


def test_other_facts_find_their_place_in_the_chart(rule: Rule) -> None:
    read = chart(
        rule,
        p={"fact": "patient", "birth": date(1970, 1, 1), "sex": "female"},
        h={"fact": "procedure", "concept": "hsct", "on": date(2025, 5, 5)},
        t={"fact": "transplant", "stance": "no"},
        r={"fact": "response", "on": date(2026, 11, 1), "remission": True},
        c={"fact": "plan", "cycle": 3},
        u={"fact": "unreadable", "need": "conditions", "concerns": "vod-sos"},
    )

    assert read.patient.sex == "female"
    assert read.procedures[0].performed == whole_day("2025-05-05")
    assert read.transplant[0].stance == "no"
    assert (read.responses[0].remission, read.responses[0].mrd_negative) == (True, None)
    assert read.courses[0].cycle == 3
    assert (read.set_aside[0].need, read.set_aside[0].reason) == ("conditions", Reason.UNREADABLE)


@pytest.mark.parametrize("word", GAP_REASONS)
def test_a_gap_says_why_a_search_was_not_answered(rule: Rule, word: str) -> None:
    case = replace(rule.cases[0], gaps={"observations": word})
    gap = chart_of(case, rule, terminology()).gaps["observations"]

    assert gap == Unknown("laboratory results", GAP_REASONS[word])


def test_a_bare_null_is_a_gap_too(rule: Rule) -> None:
    """``gaps: {observations: null}`` reads as YAML's null, not as the word."""
    case = replace(rule.cases[0], gaps={"observations": None})

    assert chart_of(case, rule, terminology()).gaps["observations"].reason is Reason.NULL


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"fact": "dose", "substance": INO}, "", 'needs "on"'),
        ({"fact": "plan"}, "", 'needs "cycle"'),
        ({"fact": "plan", "cycle": 0}, "cycle", "whole number of at least 1"),
        ({"fact": "condition"}, "", 'needs "concept"'),
        ({"fact": "condition", "concept": "alt"}, "concept", '"alt" is not a concept'),
        ({"fact": "lab", "value": "1 U/L"}, "analyte", 'needs one "analyte"'),
        ({"fact": "lab", "analyte": "alt", "at": 3}, "at", "not a FHIR date"),
        ({"fact": "lab", "analyte": "alt", "value": True}, "value", "must be an amount"),
        ({"fact": "order", "local_use": "no"}, "local_use", "must be true or false"),
        ({"fact": "order", "role": "shown"}, "role", '"shown" is not one of: draft, background'),
        ({"fact": "order", "label": Decimal(1)}, "label", "must be text"),
        ({"fact": "order", "on": "2026-11-20"}, "on", "must be a day"),
        ({"fact": "unreadable", "need": "labs"}, "need", '"labs" is not one of'),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(
    rule: Rule, values: dict[str, object], key: str, message: str
) -> None:
    with pytest.raises(CaseError, match=message) as error:
        chart(rule, entry=values)

    assert error.value.key == key


def test_every_fact_has_keys_and_a_reader() -> None:
    assert KEYS.keys() == READERS.keys()


def test_every_prefetch_key_can_be_left_unanswered() -> None:
    assert {need for kind in KINDS.values() for need in kind.needs} <= PREFETCH_KEYS.keys()


@dataclass(frozen=True)
class FakeClause:
    clause: Clause
    truth: Truth
    missing: tuple[Unknown, ...] = ()


@dataclass(frozen=True)
class FakeVariant:
    variant: Variant
    outcome: str
    clauses: tuple[FakeClause, ...] = ()


@dataclass(frozen=True)
class FakeVerdict:
    rule: Rule
    outcome: str
    variants: tuple[FakeVariant, ...] = ()
    speaking: FakeVariant | None = field(default=None)


def verdict(rule: Rule, outcome: str, unknown: str = "") -> FakeVerdict:
    """A verdict on a rule with one variant, unknown because of one clause."""
    clauses = tuple(
        FakeClause(each, None, (Unknown(each.name, Reason.NO_LIMIT),))
        if each.name == unknown
        else FakeClause(each, outcome != "silent")
        for each in rule.variants[0].when
    )
    variant = FakeVariant(rule.variants[0], outcome, clauses)
    return FakeVerdict(rule, outcome, (variant,), variant if outcome == "fires" else None)


def test_a_case_passes_when_everything_is_as_expected(rule: Rule) -> None:
    fires, silent, unknown = rule.cases

    assert run(rule, fires, lambda r, c: verdict(r, "fires"), lambda v, c: c.summary).passed
    assert run(rule, silent, lambda r, c: verdict(r, "silent")).passed
    assert run(rule, unknown, lambda r, c: verdict(r, "unknown", "bilirubin")).passed


def test_a_failed_case_says_what_differs_and_how_each_clause_was_judged(rule: Rule) -> None:
    result = run(rule, rule.cases[0], lambda r, c: verdict(r, "unknown", "bilirubin"))

    assert str(result) == (
        'rules/liver/ino-liv-07-bilirubin-raised.yaml:30: case "fires" is unknown, expected fires\n'
        "    main.order: holds\n"
        "    main.bilirubin: unknown (bilirubin: no reference range)"
    )


def test_another_sentence_fails_the_case(rule: Rule) -> None:
    result = run(rule, rule.cases[0], lambda r, c: verdict(r, "fires"), lambda v, c: "Else")

    assert result.differences == ('says "Else", expected "Bilirubin 1.81 mg/dL on 2026-11-19"',)


def test_unknown_for_another_reason_fails_the_case(rule: Rule) -> None:
    result = run(rule, rule.cases[2], lambda r, c: verdict(r, "unknown", "order"))

    assert result.differences == ('is unknown, but not because of clause "bilirubin"',)


def test_another_variant_or_urgency_fails_the_case(rule: Rule) -> None:
    case = replace(rule.cases[0], variant="other", indicator="critical")
    result = run(rule, case, lambda r, c: verdict(r, "fires"))

    assert result.differences == (
        'fires with variant "main", expected "other"',
        'fires as "warning", expected "critical"',
    )
