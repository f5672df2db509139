"""``cds-service rules lint | test | mutants | vocabulary`` as an author sees them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rulebook_files import RULE, folder_with, with_line

from cds_service.cli import main
from cds_service.data import rules_dir
from cds_service.rulebook.chart_facts import KEYS
from cds_service.rulebook.vocabulary_page import BEGIN, END, vocabulary_page

PAGE = Path(__file__).parents[1] / "docs" / "writing-a-rule.md"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["rules", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rules folder with the good rule and everything its cases need."""
    folder = folder_with(tmp_path, RULE)
    for name in ("valuesets", "regimens"):
        shutil.copytree(rules_dir() / name, folder / name)
    return folder


def put(folder: Path, text: str) -> None:
    (folder / "liver" / "ino-liv-07-bilirubin-raised.yaml").write_text(text, encoding="utf-8")


def test_lint_counts_what_is_in_order(folder: Path) -> None:
    result = run("lint", "--folder", str(folder))

    assert result.output == "1 rules with 3 cases: nothing to complain about\n"
    assert result.exit_code == 0


def test_lint_prints_every_complaint_and_fails(folder: Path) -> None:
    put(folder, with_line("times_uln", "times_ulm"))
    result = run("lint", "--folder", str(folder))

    assert 'raised.yaml:18: clause "bilirubin" asks for "times_ulm"' in result.output
    assert result.exit_code == 1


def test_lint_of_one_rule_is_silent_about_others(folder: Path) -> None:
    put(folder, with_line("times_uln", "times_ulm"))

    assert run("lint", "--folder", str(folder), "INO-VOD-12").exit_code == 0
    assert run("lint", "--folder", str(folder), "INO-LIV-07").exit_code == 1


def test_test_runs_every_case(folder: Path) -> None:
    result = run("test", "--folder", str(folder))

    assert result.output == "3 cases, 0 failed\n"
    assert result.exit_code == 0


def test_test_compares_the_whole_sentence(folder: Path) -> None:
    put(folder, with_line('"Bilirubin 1.81 mg/dL on 2026-11-19"', '"Bilirubin 1.81 mg/dL"'))
    result = run("test", "--folder", str(folder))

    assert 'says "Bilirubin 1.81 mg/dL on 2026-11-19", expected "Bilirubin 1.81' in result.output
    assert result.output.endswith("3 cases, 1 failed\n")
    assert result.exit_code == 1


def test_a_card_that_cannot_be_written_fails_its_case(folder: Path) -> None:
    """No case states the detail, but every card of a case is written."""
    each = "{% for each in bilirubin.all %}{{ each.colour }}{% endfor %}"
    put(folder, with_line("Above", each))
    result = run("test", "--folder", str(folder))

    assert "INO-LIV-07: the card's text cannot be made" in result.output
    assert result.exit_code == 1


def test_mutants_lists_what_no_case_notices(folder: Path) -> None:
    result = run("mutants", "--folder", str(folder))

    assert 'no case notices "drop order"; add a case where only clause "order"' in result.output
    assert result.output.endswith("10 mutants of 1 rules, 4 not noticed by any case\n")
    assert result.exit_code == 1


def test_mutants_of_a_failing_rule_are_not_counted(folder: Path) -> None:
    put(folder, with_line("value: 1.80 mg/dL", "value: 1.82 mg/dL"))
    result = run("mutants", "--folder", str(folder))

    assert "has failing cases; mend them before its mutants" in result.output
    assert result.exit_code == 1


def test_broken_value_sets_are_reported(folder: Path) -> None:
    shutil.rmtree(folder / "valuesets")
    result = run("lint", "--folder", str(folder))

    assert result.exit_code == 1
    assert "valuesets:1: " in result.output


def test_the_page_shows_the_vocabulary_as_it_is() -> None:
    """When this fails: replace the section by what ``cds-service rules vocabulary`` prints."""
    text = PAGE.read_text(encoding="utf-8")
    shown = text[text.index(BEGIN) : text.index(END) + len(END)]

    assert shown == vocabulary_page()
    assert run("vocabulary").output == vocabulary_page() + "\n"


def test_the_page_names_every_key_of_every_chart_fact() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M))
    rows["drug"] += rows["order"]
    rows["order"] += rows["drug"]
    for fact, keys in KEYS.items():
        for key in keys:
            assert f"`{key}`" in rows[fact], f"{fact}: {key}"


def test_the_rule_on_the_page_is_a_good_rule(folder: Path) -> None:
    """It is the first thing an author copies."""
    text = PAGE.read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    (folder / "liver" / "ino-liv-02-one-liver-limit.yaml").write_text(example, encoding="utf-8")
    louder = RULE.replace("INO-LIV-07", "INO-LIV-01")
    (folder / "liver" / "ino-liv-01-louder.yaml").write_text(louder, encoding="utf-8")

    assert run("lint", "--folder", str(folder)).output.startswith("3 rules with ")
    result = run("test", "--folder", str(folder), "INO-LIV-02")
    assert result.output == "6 cases, 0 failed\n"
