"""Verdicts become cards: which, in what order, with what words."""

import logging
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.drafts import concerned
from cds_service.cards.render import render_summary
from cds_service.cards.templates import CardTextError
from cds_service.cards.text import units
from cds_service.engine.verdict import Verdict
from cds_service.facts.interval import Interval
from cds_service.rulebook.model import SignOff
from tests.rule_builders import (
    call,
    cards,
    citation,
    clause,
    context,
    fires,
    order,
    parameter,
    reading,
    rule,
    the_card,
)

OPEN = {"outcome": "unknown", "speaking": None}
BILIRUBIN = reading(
    "Observation/bili", name="total bilirubin", text="1.9 mg/dL", date="2026-11-19", uln="1.2 mg/dL"
)


def times(number: str) -> dict[str, Interval]:
    return {"times_uln": Interval.exactly(Fraction(number))}


def ids(*verdicts: Verdict) -> list[str]:
    return [card.rule_id for card in cards(*verdicts)]


# --- which cards, in what order -------------------------------------------------------------


def test_a_rule_that_is_silent_or_unknown_shows_no_card():
    silent, unknown = (Verdict(rule(), outcome, ()) for outcome in ("silent", "unknown"))

    assert cards(silent, unknown) == ()


@pytest.mark.parametrize("status", ["shadow", "draft", "retired"])
def test_only_an_active_rule_shows_a_card(status):
    assert cards(fires(rule(status=status))) == ()


def test_the_most_urgent_card_comes_first():
    verdicts = [
        fires(rule(f"INO-{indicator}", indicator=indicator))
        for indicator in ("info", "critical", "warning")
    ]

    assert ids(*verdicts) == ["INO-critical", "INO-warning", "INO-info"]


def test_within_one_urgency_the_more_specific_rule_comes_first():
    general = fires(rule("INO-A"), order=reading())
    specific = fires(rule("INO-B"), order=reading(), bilirubin=reading())

    assert ids(general, specific) == ["INO-B", "INO-A"]


def test_equals_keep_the_order_of_the_verdicts():
    assert ids(fires(rule("INO-B")), fires(rule("INO-A"))) == ["INO-B", "INO-A"]


def test_what_could_not_be_assessed_comes_last_within_its_urgency():
    missing = fires(rule("INO-DATA-01", indicator="warning"), left=reading(), order=reading())
    verdicts = [
        missing,
        fires(rule("INO-QT-01", indicator="warning")),
        fires(rule("INO-VOD-05", indicator="info")),
    ]

    assert ids(*verdicts) == ["INO-QT-01", "INO-DATA-01", "INO-VOD-05"]


# --- rules that amend the card of another ---------------------------------------------------


def test_an_amending_rule_adds_its_words_to_the_card_it_amends():
    main = fires(rule("INO-LIV-01", detail="Hold the dose."), a=reading("Observation/1"))
    first_dose = fires(
        rule(
            "INO-LIV-06",
            summary="Little data",
            detail="Before a first dose.",
            amends=("INO-LIV-01",),
        ),
        b=reading("Observation/2"),
    )

    card = the_card(first_dose, main)

    assert card.rule_id == "INO-LIV-01"
    assert "Hold the dose.\n\n**Little data**\n\nBefore a first dose.\n\nSource:" in card.detail
    assert "Rule INO-LIV-06 1.0.0" in card.detail
    assert card.facts == ("Observation/1", "Observation/2")


def test_an_amending_rule_alone_shows_its_own_card():
    assert ids(fires(rule("INO-LIV-06", amends=("INO-LIV-01",)))) == ["INO-LIV-06"]


def test_a_rule_that_only_amends_shows_nothing_alone():
    assert ids(fires(rule("INO-LIV-06", amends=("INO-LIV-01",), amends_only=True))) == []


def test_a_shadow_rule_neither_amends_nor_is_amended():
    shadow = fires(rule("INO-LIV-01", status="shadow"))
    amending = fires(rule("INO-LIV-06", amends=("INO-LIV-01",)))

    assert ids(shadow, amending) == ["INO-LIV-06"]
    hidden = fires(rule("INO-LIV-06", summary="Unseen", amends=("INO-LIV-01",), status="shadow"))
    assert "Unseen" not in the_card(fires(rule("INO-LIV-01")), hidden).detail


def test_rules_that_amend_each_other_still_show_their_words():
    one = fires(rule("INO-A", summary="One", amends=("INO-B",)))
    two = fires(rule("INO-B", summary="Two", amends=("INO-A", "INO-C")))

    card = the_card(one, two)

    assert card.rule_id == "INO-B"
    assert "**One**" in card.detail


def test_an_amendment_of_an_amendment_is_on_the_card():
    one = fires(rule("INO-A", summary="One", amends=("INO-B",)))
    two = fires(rule("INO-B", summary="Two", amends=("INO-C",)))
    three = fires(rule("INO-C", summary="Three"))

    card = the_card(one, two, three)

    assert card.summary == "Three"
    assert "**Two**" in card.detail
    assert "**One**" in card.detail


# --- what a template sees -------------------------------------------------------------------


def test_a_summary_says_value_unit_and_date():
    said = rule(
        summary="Bilirubin {{ bilirubin.text }} on {{ bilirubin.date }}: above {{ p.limit }} × ULN",
        parameters=[parameter("limit", "3/2", "x ULN")],
    )

    card = the_card(fires(said, bilirubin=BILIRUBIN))

    assert card.summary == "Bilirubin 1.9 mg/dL on 2026-11-19: above 1.5 × ULN"


def test_the_worst_of_several_readings_speaks_and_all_are_named():
    said = rule(
        summary="{{ enzymes.name }} {{ enzymes.times }}; {{ enzymes.names }}; {{ enzymes.texts }}",
        detail="{% for each in enzymes.all %}\n- {{ each.name }}\n{% endfor %}",
    )
    alt = reading(fields=times("26/10"), name="ALT", text="104 U/L", times="2.6")
    ast = reading(fields=times("4"), name="AST", text="160 U/L", times="4")

    card = the_card(fires(said, enzymes=[alt, ast]))

    assert card.summary == "AST 4; AST and ALT; 160 U/L and 104 U/L"
    assert card.detail.startswith("- AST\n- ALT\n")


def test_a_line_that_ends_in_a_condition_stays_a_line():
    items = (
        "{% for each in a.all %}\n- {{ each.name }}{% if each.text %}: {{ each.text }}{% endif %}\n"
    )
    said = rule(detail=items + "{% endfor %}\n\nHold the dose.")
    two = [reading(name="ALT", text="104 U/L"), reading(name="AST", text="160 U/L")]

    assert the_card(fires(said, a=two)).detail.startswith(
        "- ALT: 104 U/L\n- AST: 160 U/L\n\nHold the dose."
    )


def test_a_template_may_ask_for_hook_and_profile():
    card = the_card(fires(rule(summary="{{ hook }} {{ profile }}")), to=call(profile="EU"))

    assert card.summary == "order-sign EU"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("drugs.names", "haloperidol and sotalol"),
        ("'QT: ' ~ drugs.names", "QT: haloperidol and sotalol"),
        ("drugs.repeated | join_and", "haloperidol and sotalol"),
        ("drugs.text | join_and", "two drugs"),
        ("p.limit | times", "2.5 ×"),
        ("p.one | count_of('cycle')", "1 cycle"),
        ("p.limit | count_of('dose')", "2.5 doses"),
        ("p.one | count_of('assay', 'assays')", "1 assay"),
        ("p.limit | of('1.2 mg/dL')", "3 mg/dL"),
        ("p.limit | of('5.2 g/dL')", "13 g/dL"),
        ("p.limit | of('1.0 to 1.3 mg/dL')", "2.5 × 1.0 to 1.3 mg/dL"),
        ("p.third", "0.33"),
        ("drugs.given", "yes"),
        ("drugs.items[0].what", "ECG"),
    ],
)
def test_ways_to_say_things(expression, words):
    said = rule(
        summary="{{ " + expression + " }}",
        parameters=[
            parameter("limit", "5/2", "x ULN"),
            parameter("one", "1", "cycles"),
            parameter("third", "1/3", "x"),
        ],
    )
    drugs = reading(
        names=("haloperidol", "sotalol"),
        repeated=["haloperidol", "haloperidol", "sotalol"],
        text="two drugs",
        given=True,
        items=[{"what": "ECG"}],
    )

    assert the_card(fires(said, drugs=drugs)).summary == words


def test_a_word_may_bring_the_space_before_it():
    said = rule(summary="ULN {{ a.uln }}{{ a.uln_from }}", detail="{{ a.uln }}{{ a.uln_from }}")

    card = the_card(fires(said, a=reading(uln="1.2 mg/dL", uln_from=" (of another result)")))

    assert card.summary == "ULN 1.2 mg/dL (of another result)"
    assert card.detail.startswith("1.2 mg/dL (of another result)\n")


def test_a_clause_of_another_variant_may_be_asked_for():
    said = rule(summary="{% if other is defined %}{{ other.text }}{% else %}none{% endif %}")

    assert the_card(fires(said)).summary == "none"


# --- the limit of 139 characters ------------------------------------------------------------


def test_a_long_drug_list_gives_way_to_the_sentence():
    said = rule(summary="{{ drugs.names }} with inotuzumab on {{ order.date }}: " + "x" * 66)
    drugs = reading(names=("ondansetron", "fluconazole", "haloperidol", "amiodarone", "sotalol"))

    summary = the_card(fires(said, drugs=drugs, order=reading(date="2026-11-20"))).summary

    assert summary.startswith("ondansetron, fluconazole and 3 more with inotuzumab on 2026-11-20")


def test_a_list_that_comes_as_one_text_is_shortened_alike():
    said = rule(summary="{{ drugs.names }}: " + "x" * 95)
    drugs = reading(names="ondansetron, fluconazole, haloperidol and amiodarone")

    assert the_card(fires(said, drugs=drugs)).summary.startswith(
        "ondansetron, fluconazole and 2 more:"
    )


def test_a_name_with_commas_is_cut_and_not_taken_for_a_list():
    said = rule(summary="{{ disease.label }}: " + "x" * 95)
    disease = reading(label="Supervision of normal pregnancy, unspecified, unspecified trimester")

    summary = the_card(fires(said, disease=disease)).summary

    assert summary.startswith("Supervision of normal pregnancy")
    assert "more" not in summary


def test_a_value_is_not_cut_so_that_a_name_may_stay():
    said = rule(summary="{{ a.name }} {{ a.text }} on {{ a.date }}: " + "x" * 60)
    result = reading(
        name="alanine aminotransferase " * 4, text="12345.678 ukat/L, 2 x", date="2026-11-19"
    )

    assert "12345.678 ukat/L, 2 x on 2026-11-19:" in the_card(fires(said, a=result)).summary


@given(st.lists(st.text(max_size=80), max_size=30), st.text(max_size=200))
def test_no_chart_makes_a_summary_too_long(drugs, label):
    said = rule(summary="{{ drugs.names }} and {{ drugs.label }}: hold inotuzumab, repeat the ECG")

    summary = the_card(fires(said, drugs=reading(names=tuple(drugs), label=label))).summary

    assert units(summary) <= 139
    assert summary.isprintable()


def test_a_fixed_text_too_long_is_cut_at_a_word():
    summary = the_card(fires(rule(summary="word " * 40))).summary

    assert units(summary) <= 139
    assert summary.endswith("word…")


# --- the fine print -------------------------------------------------------------------------


def test_the_last_paragraph_names_source_rule_and_time():
    assert the_card(fires(rule(detail="Hold."))).detail == (
        "Hold.\n\n"
        "Source: BESPONSA US prescribing information, 2.3, Table 3. "
        "Rule INO-LIV-01 1.0.0, not reviewed by a clinician. Evaluated 2026-11-20 10:00 UTC."
    )


def test_a_signed_rule_names_who_reviewed_it():
    signed = rule(sign_off=SignOff("A. Reviewer", "pharmacist", None))

    assert "reviewed by A. Reviewer, pharmacist." in the_card(fires(signed)).detail


@pytest.mark.parametrize(
    ("grade", "words"),
    [("C", "recalled, not re-read"), ("P", "project choice"), ("S", "secondary text")],
)
def test_a_weak_source_is_never_called_the_label(grade, words):
    weak = rule(grades=(grade,), citations=[citation(grade)])

    assert f"Not from the label: {words}." in the_card(fires(weak)).detail


def test_local_numbers_are_told_from_those_of_the_label():
    window = parameter("lab_window", "7", "days", "local")
    said = rule(
        summary="Above {{ p.floor }}",
        parameters=[
            parameter("limit", "3/2", "x ULN"),
            parameter("recovery", "28", "days", "table-4"),
            parameter("floor", "2", "x ULN", "local"),
            parameter("unused", "9", "mg", "local"),
            window,
        ],
        citations=[citation(), citation("C", "table-4")],
        clauses=[
            clause("lab", selectors={"analyte": "alt", "within": window.value}, parameter="limit"),
            clause("held", kind="condition", parameter="recovery"),
        ],
    )

    detail = the_card(fires(said)).detail

    assert (
        "Not from the label: recovery 28 days (recalled, not re-read); floor 2 × ULN (project "
        "choice); lab window 7 days (project choice)." in detail
    )


def test_a_disagreement_of_the_engines_is_said():
    card = the_card(fires(rule(), because="engines disagree"))

    assert "Check this by hand: engines disagree." in card.detail


# --- the rest of the card -------------------------------------------------------------------


def test_a_card_says_what_it_is_about_and_where_it_was_read():
    card = the_card(
        fires(
            rule(),
            order=reading("MedicationRequest/1", reference="MedicationRequest/1"),
            bilirubin=[BILIRUBIN, BILIRUBIN],
        )
    )

    assert card.orders == ("MedicationRequest/1",)
    assert card.facts == ("MedicationRequest/1", "Observation/bili")
    assert card.evaluated == "2026-11-20T10:00:00+00:00"
    assert (card.source_label, card.rule_id, card.rule_version) == (
        "BESPONSA US prescribing information",
        "INO-LIV-01",
        "1.0.0",
    )
    assert [link.url for link in card.links] == ["https://cds.example.org/rules/INO-LIV-01"]


def test_a_card_about_several_drafts_names_them_from_its_sources():
    drafts = [order("busulfan"), order("thiotepa"), order("other")]
    agents = reading("MedicationRequest/busulfan", "MedicationRequest/thiotepa", "Condition/1")

    card = the_card(fires(rule(), agents=agents), to=call(*drafts))

    assert card.orders == ("MedicationRequest/busulfan", "MedicationRequest/thiotepa")


def test_a_draft_that_is_not_selected_is_not_what_a_card_is_about():
    request = call(order("a"), order("b"), hook="order-select", selections=("MedicationRequest/b",))
    agents = reading("MedicationRequest/a", "MedicationRequest/b")

    assert the_card(fires(rule(), agents=agents), to=request).orders == ("MedicationRequest/b",)


DRAFTS = "abc"
ABOUT = [reading(f"MedicationRequest/{id_}") for id_ in DRAFTS] + [
    reading("Condition/1"),
    reading("MedicationRequest/c", "MedicationRequest/b"),
    reading("Observation/1", reference="MedicationRequest/a"),
]


@given(st.lists(st.lists(st.lists(st.sampled_from(ABOUT), max_size=3), max_size=3), max_size=4))
def test_what_is_not_assessed_is_about_each_order_of_an_open_rule_in_turn(held):
    open_rules = [
        replace(fires(rule(), **{f"c{i}": each for i, each in enumerate(rule_held)}), **OPEN)
        for rule_held in held
    ]
    last = rule("INO-DATA-01", clauses=[clause("open", "unassessed")])
    clauses = [each for one in open_rules for each in one.variants[0].clauses]
    drafts = {f"MedicationRequest/{id_}": order(id_) for id_ in DRAFTS}

    card = the_card(*open_rules, fires(last, open=reading()), to=call(*drafts.values()))

    assert card.orders == tuple(concerned(clauses, drafts, call(*drafts.values())))


# --- faults in a rule's text ----------------------------------------------------------------


FAULTY = [
    "{{ billirubin.text }}",
    "{{ bilirubin.txet }}",
    "{{ p.limitt }}",
    "{{ bilirubin }}",
    "{{ bilirubin.nothing }}",
    "{{ 1 / 0 }}",
    "{{ bilirubin.text",
    "{{ bilirubin.__class__ }}",
    "{{ bilirubin.text.foo() }}",
    "{{ bilirubin.text | nosuch }}",
]


@pytest.mark.parametrize("template", FAULTY)
@pytest.mark.parametrize("place", ["summary", "detail"])
def test_a_faulty_template_costs_the_text_but_not_the_card(place, template, caplog):
    said = rule(**{place: template}, title="Both liver limits exceeded")
    facts = reading(
        "Observation/1", text="1.9 mg/dL", nothing=None, items=[{"a": 1}], n=Fraction(2)
    )

    with caplog.at_level(logging.ERROR):
        card = the_card(fires(said, bilirubin=facts))

    assert card.summary == "Both liver limits exceeded"
    assert "- bilirubin: text 1.9 mg/dL, n 2" in card.detail
    assert card.indicator == "critical"
    (record,) = caplog.records
    assert record.__dict__["rule"] == "INO-LIV-01"
    assert "1.9" not in record.getMessage()


@pytest.mark.parametrize("template", FAULTY)
@pytest.mark.parametrize("place", ["summary", "detail"])
def test_a_case_finds_a_faulty_template(place, template):
    verdict = fires(rule(**{place: template}), bilirubin=reading(text="1.9 mg/dL", nothing=None))

    with pytest.raises(CardTextError, match="INO-LIV-01"):
        render_summary(verdict, context())


def test_a_wrong_word_is_answered_with_the_words_there_are():
    verdict = fires(rule(summary="{{ bilirubin.txet }}"), bilirubin=reading(text="1.9 mg/dL"))

    with pytest.raises(CardTextError, match='no word "txet"; there is: all, text, texts'):
        render_summary(verdict, context())


def test_a_case_sees_the_sentence_a_clinician_sees():
    verdict = fires(
        rule(summary="{{ bilirubin.text }} {{ hook }} {{ profile }}"), bilirubin=BILIRUBIN
    )

    assert render_summary(verdict, context()) == "1.9 mg/dL order-sign US"
    assert (
        render_summary(verdict, context(), hook="patient-view", profile="EU")
        == "1.9 mg/dL patient-view EU"
    )


def test_a_rule_that_does_not_fire_has_no_sentence():
    with pytest.raises(ValueError, match="does not fire"):
        render_summary(Verdict(rule(), "silent", ()), context())
