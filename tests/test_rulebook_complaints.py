"""A wrong rule file is refused with its place, what is wrong, and the nearest right word."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook_files import FILE, RULE, complaints_about, folder_with, good_rule, load, with_line

from cds_service.errors import RulesError

# ruff: noqa: E501  (one mistake a line, as a table)

LAB = "times_uln: {gt: $limit}}"

MISTAKES = [
    ("times_uln", "times_ulm", 18, 'asks for "times_ulm"; a lab has: ', 'Did you mean "times_uln"?'),
    ("fact: lab", "fact: labb", 18, 'asks for the fact "labb"', 'Did you mean "lab"?'),
    ("analyte: total-bilirubin, within", "analyte: total-bilirubine, within", 18,
     '"total-bilirubine" is not an analyte we know', 'Did you mean "total-bilirubin"?'),
    ("analyte: total-bilirubin, within", "within", 18, 'a lab needs "analyte"', ""),
    ("substance: inotuzumab-ozogamicin, placed", "substance: inotuzumab, placed", 17,
     '"inotuzumab" is not a substance we know', 'Did you mean "inotuzumab-ozogamicin"?'),
    ("placed: true", "placed: yes", 17, "is true or false", ""),
    ("$limit}}", "$limits}}", 18, 'names the parameter "$limits"', 'Did you mean "limit"?'),
    ("$limit}}", "1.5}}", 18, "not the bare number 1.5", "give it a unit and source"),
    ("within: $window", "within: 1", 18, "not the bare number 1", ""),
    ("{gt: $limit}", "{above: $limit}", 18, 'is compared by "above"', "gt, gte, lt, lte"),
    ("{gt: $limit}", "{gt: $limit, gte: $limit}", 18, "at most one lower and one upper", ""),
    ("times_uln: {gt: $limit}", "value: {gt: $limit}", 18, 'is in mg/dL, but $limit is in "x ULN"', ""),
    ("{gt: $limit}", "{}", 18, "needs a comparison", ""),
    ("within: $window", "within: $limit", 18, 'is in days, but $limit is in "x ULN"', ""),
    (", " + LAB, "}", 18, "tests nothing", "times_uln"),
    ("cite: label}", "cite: lable}", 14, '"lable" is not a known citation', 'mean "label"?'),
    (", note: our choice", "", 15, "is local: a note must say why", ""),
    ("unit: x ULN, ", "", 14, "parameters.limit.unit is missing", ""),
    ("value: 1.50", 'value: "1.50"', 14, "parameters.limit.value must be a number", ""),
    ("within: $window, ", "", 15, 'parameter "window" is never used', ""),
    ('{label: "A label", grade: A}', '{label: "A label", grade: A}\n  b: {label: "B", grade: A}', 12,
     'citation "b" is never used', "see_also"),
    ("source: label", "source: labels", 12, '"labels" is not a known citation', 'mean "label"?'),
    ("hooks: [order-sign]", "hooks: [order-signed]", 5, "hooks[1] must be one of: order-sign", ""),
    ("evidence: [A]", "evidence: [D]", 6, "evidence[1] must be one of: A, B, C, S, P", ""),
    ("version: 1.0.0", "version: 1.0", 2, "version must be text", "in quotes"),
    ("version: 1.0.0", "version: v1", 2, "version must be a version such as 1.0.0", ""),
    ("version: 1.0.0", "version: 1.1.0", 27, "changes must say what is new in version 1.1.0", ""),
    ("changes:\n  - {version: 1.0.0, on: 2026-11-22, note: First.}", "changes: []", 27, "changes must say", ""),
    ("status: active", "status: live", 3, "status must be one of: draft, shadow", ""),
    ("title:", "titel:", 4, "titel is not a key here", 'Did you mean "title"?'),
    ("title: Bilirubin above a limit\n", "", 1, "title is missing", ""),
    ("title: Bilirubin", "title: x\ntitle: Bilirubin", 5, '"title" is here twice', ""),
    ("bilirubin.date", "bilirubin.dates", 20, 'prints "bilirubin.dates"', 'mean "date"?'),
    ("bilirubin.date", "bilirubn.date", 20, 'names "bilirubn"', 'mean "bilirubin"?'),
    ("{{ p.limit }}", "{{ p.limits }}", 21, 'prints the parameter "limits"', 'mean "limit"?'),
    ("{{ bilirubin.date }}", "{{ bilirubin.date", 20, "is not a template", ""),
    ("bilirubin.date }}", "bilirubin.date | upper }}", 20, 'uses the filter "upper"', "join_and"),
    ("on {{", "x" * 120 + " {{", 20, "can become 156 characters long", "139 are the most"),
    ("Above", "<b>Above</b>", 21, "detail holds HTML", ""),
    ("Above", "| a | b |\n    Above", 21, "detail holds a table", ""),
    ("Above", "See https://example.org. Above", 21, "detail holds an address", ""),
    ("indicator: warning\n", "", 1, '"indicator" is missing', ""),
    ("[repeat-pending]", "[repeat-pendin]", 25, "is not a known override reason",
     'Did you mean "repeat-pending"?'),
    ("action: hold-order, order: order", "action: hold-order", 24, 'needs "order"', ""),
    ("order: order}", "order: ordre}", 24, '"ordre" is not a known clause', 'mean "order"?'),
    ("action: hold-order, order: order", "action: create, resource: panel", 24,
     '"panel" is not a known resource', "hepatic-panel"),
    ("action: hold-order", "action: halt-order", 24, "action must be one of: delete-order", ""),
    ("order: order}", "order: order, when_missing: [alt]}", 24, "is for a rule that asks", ""),
    ("order: order}", "order: order, when_missing: [alat]}", 24, '"alat" is not a known analyte', ""),
    ("expect: silent", "expect: quiet", 41, "expect must be: fires, silent, unknown", ""),
    ("{unknown: bilirubin}", "{unknown: bili}", 45, '"bili" is not a known clause', ""),
    ("{unknown: bilirubin}", "silent", 29, 'no case expects "unknown"', ""),
    ("name: silent", "name: fires", 38, 'case "fires" is here twice', ""),
    ('    summary: "Bilirubin 1.81 mg/dL on 2026-11-19"\n', "", 29, "the whole sentence", ""),
    ("value: 1.81 mg/dL", "valu: 1.81 mg/dL", 34, 'valu: is not a key of "lab"', 'mean "value"?'),
    ("value: 1.81 mg/dL", "value: high", 34, 'value: must be an amount such as "1.8 mg/dL"', ""),
    ("at: 2026-11-19", "at: yesterday", 35, "at: not a FHIR date", ""),
    ("{fact: order, substance: inotuzumab-ozogamicin}", "{fact: ordr}", 33,
     '"ordr" is not a chart fact', 'Did you mean "order"?'),
    ("today: 2026-11-20", "today: 2026-11-31", 31, "2026-11-31 is not a day of the calendar", ""),
    ("expect: silent", "gaps: {observation: search failed}\n    expect: silent", 41,
     '"observation" is not a prefetch key', 'Did you mean "observations"?'),
    ("expect: silent", "gaps: {observations: lost}\n    expect: silent", 41, "must say why", ""),
    ("expect: silent", "beside: [INO-LIV-77]\n    expect: silent", 41,
     '"INO-LIV-77" is not a rule', 'Did you mean "INO-LIV-07"?'),
    ("indicator: warning", "indicator: warning\nunless_fires: [INO-LIV-07]", 8, "the rule itself", ""),
    ("indicator: warning", "indicator: warning\namends_only: true", 8, "amends_only needs amends", ""),
    ("id: INO-LIV-07", "id: INO-LIV-7", 1, "id must look like INO-VOD-12", ""),
    ("id: INO-LIV-07", "id: INO-LIV-08", 1, 'must be named "ino-liv-08-what-it-is-about.yaml"', ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "message", "hint"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_the_nearest_word(
    tmp_path: Path, old: str, new: str, line: int, message: str, hint: str
) -> None:
    complaints = complaints_about(tmp_path, with_line(old, new))

    about = [each for each in complaints if message in each]
    assert about, "\n".join(complaints)
    assert about[0].startswith(f"{FILE}:{line}: "), about[0]
    assert hint in about[0]


def test_the_good_rule_is_good(tmp_path: Path) -> None:
    """Otherwise the table above proves nothing."""
    assert good_rule(tmp_path).title == "Bilirubin above a limit"


def test_all_complaints_of_all_files_come_together(tmp_path: Path) -> None:
    complaints = complaints_about(
        tmp_path, with_line("status: active", "status: live"), with_line("title:", "titel:")
    )

    assert any("status must be" in each for each in complaints)
    assert any("07-bilirubin-raiseds1.yaml:4: titel" in each for each in complaints)


def test_an_id_belongs_to_one_file(tmp_path: Path) -> None:
    complaints = complaints_about(tmp_path, RULE, RULE)

    assert complaints == (
        f"rules/liver/ino-liv-07-bilirubin-raiseds1.yaml:1: INO-LIV-07 is already the id of {FILE}",
    )


def test_the_rules_of_a_series_live_in_one_folder(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    elsewhere = folder / "zoo" / "ino-liv-08-elsewhere.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(RULE.replace("INO-LIV-07", "INO-LIV-08"), encoding="utf-8")

    with pytest.raises(RulesError, match='INO-LIV rules live in "liver", not "zoo"'):
        load(folder)


def test_a_file_that_nobody_reads_is_reported(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    (folder / "liver" / "forgotten.yml").write_text("id: x", encoding="utf-8")

    with pytest.raises(RulesError, match=r"rules/liver/forgotten.yml:1: nothing reads this file"):
        load(folder)


def test_a_missing_shared_file_is_reported(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    (folder / "services.yaml").unlink()

    with pytest.raises(RulesError, match=r"rules/services.yaml:1: the file cannot be read"):
        load(folder)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="nowhere:1: there is no such folder of rules"):
        load(tmp_path / "nowhere")


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE)
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")

    with pytest.raises(RulesError, match="the file is not UTF-8 text"):
        load(folder)


def test_a_critical_rule_about_an_order_offers_to_stop_it(tmp_path: Path) -> None:
    text = with_line("indicator: warning", "indicator: critical").replace(
        "action: hold-order, order: order", "action: none"
    )

    assert "add a suggestion that holds or deletes it" in complaints_about(tmp_path, text)[0]


def test_a_project_choice_does_not_speak_for_the_label(tmp_path: Path) -> None:
    text = with_line("evidence: [A]", "evidence: [P]").replace("Above", "The label asks for it:")

    assert "names the label as its authority" in complaints_about(tmp_path, text)[0]


def test_two_clauses_with_many_readings_are_one_too_many(tmp_path: Path) -> None:
    gilbert = "{fact: condition, concept: gilbert, active: true}"
    text = with_line("card:\n", f"  one: {gilbert}\n  two: {gilbert}\ncard:\n")

    assert "several clauses with many readings (one, two)" in complaints_about(tmp_path, text)[0]


def test_seventeen_clauses_are_one_too_many(tmp_path: Path) -> None:
    more = "".join(
        f"  order{n}: {{fact: order, substance: inotuzumab-ozogamicin, placed: true}}\n"
        for n in range(15)
    )

    assert (
        "has 17 clauses; 16 are the most"
        in complaints_about(tmp_path, with_line("card:\n", f"{more}card:\n"))[0]
    )


VARIANTS = """\
variants:
  high:
    indicator: warning
    when: {bilirubin: {fact: lab, analyte: total-bilirubin, within: $window, times_uln: {gt: $limit}}}
  enzymes:
    when: {alt: {fact: lab, analyte: [alt, ast], within: $window, times_uln: {gt: $limit}}}
card:
"""


def test_a_shared_text_may_not_print_a_clause_that_a_variant_lacks(tmp_path: Path) -> None:
    text = with_line("card:\n", VARIANTS).replace(
        "  bilirubin: {fact: lab, analyte: total-bilirubin, within: $window, times_uln: {gt: $limit}}\n",
        "", 1,
    )  # fmt: skip

    complaints = complaints_about(tmp_path, text)

    assert any(
        'summary of variant "enzymes" prints the clause "bilirubin", which this variant does not '
        "have; guard it with {% if bilirubin is defined %}" in each
        for each in complaints
    )
    assert any('no case fires with "variant: enzymes"' in each for each in complaints)


def test_a_guard_lets_a_shared_text_print_what_some_variants_have(tmp_path: Path) -> None:
    text = (
        with_line("card:\n", VARIANTS)
        .replace(
            "  bilirubin: {fact: lab, analyte: total-bilirubin, within: $window, "
            "times_uln: {gt: $limit}}\n",
            "",
            1,
        )
        .replace(
            "Bilirubin {{ bilirubin.text }} on {{ bilirubin.date }}",
            "{% if bilirubin is defined %}Bilirubin {{ bilirubin.text }}"
            "{% else %}{{ alt.name }}{% endif %}",
        )
    )

    complaints = complaints_about(tmp_path, text)

    assert not any("prints the clause" in each for each in complaints)
    assert not any("{{ alt" in each for each in complaints)
