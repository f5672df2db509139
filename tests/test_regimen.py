"""The regimen files: what ours says, and what a broken one is told."""

from fractions import Fraction

import pytest

from cds_service.errors import RulesError
from cds_service.facts.regimen import GRADES, load_regimens
from tests.builders import INO, RULES, regimens

TEXT = (RULES / "regimens" / f"{INO}.yaml").read_text(encoding="utf-8")
OURS = regimens()[INO]


def complaints(folder, text: str, name: str = INO) -> tuple[str, ...]:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(RulesError) as raised:
        load_regimens(folder)
    return raised.value.complaints


def figures():
    yield from OURS.inference.values()
    yield from OURS.limits.values()
    yield from OURS.reductions.values()
    yield from OURS.body_surface.values()
    for cycle in OURS.cycles.values():
        yield cycle.length
        yield from (dose.amount for dose in cycle.doses)


def test_the_labelled_doses_of_each_sort_of_cycle_add_up_to_the_labelled_total():
    totals = {
        name: sum(dose.amount.value for dose in cycle.doses) for name, cycle in OURS.cycles.items()
    }

    assert totals == {
        "first": Fraction("1.8"),
        "later-in-remission": Fraction("1.5"),
        "later-without-remission": Fraction("1.8"),
    }


def test_every_number_has_a_source_and_a_grade():
    for figure in figures():
        assert figure.cite in OURS.citations
        assert figure.grade in GRADES


def test_our_own_choices_are_the_only_ones_graded_so_and_say_why():
    for figure in figures():
        assert (figure.grade == "P") == (figure.cite == "local")
        assert figure.grade != "P" or figure.note


def test_the_numbers_of_cycle_inference_are_those_of_the_file():
    assert (OURS.doses_per_cycle, OURS.new_cycle_after, OURS.minimum_interval) == (3, 21, 6)


def test_a_folder_without_files_holds_no_regimen(tmp_path):
    assert load_regimens(tmp_path) == {}


def test_a_folder_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(RulesError, match="regimens:1: the folder of regimens is missing"):
        load_regimens(tmp_path / "regimens")


@pytest.mark.parametrize(
    ("found", "instead", "complaint"),
    [
        ("value: 0.8, unit: mg/m2", "value: much, unit: mg/m2", "expected a number above zero"),
        ("value: 3, unit: doses", "value: 2.5, unit: doses", "expected a whole number above zero"),
        ("value: 3, unit: doses", "value: 0, unit: doses", "expected a whole number above zero"),
        ("value: 3, unit: doses", "value: 3, unit: cycles", 'unit "cycles" is none of doses'),
        ("cite: leaflet", "cite: leaflett", 'Did you mean "leaflet"?'),
        ("grade: P", "grade: Z", 'grade "Z" is none of A, B, C, P'),
        ("minimum_interval:", "minimum_intervall:", 'Did you mean "minimum_interval"?'),
        ("  cycles_at_most: ", "  # cycles_at_most: ", '"cycles_at_most" is missing'),
        ("title: cycle 1", "titel: cycle 1", 'unknown key "titel"'),
        ("day: 1, ", "", '"day" is missing'),
    ],
)
def test_a_wrong_line_is_named_with_file_and_line(tmp_path, found, instead, complaint):
    assert found in TEXT
    line = TEXT[: TEXT.index(found)].count("\n") + 1

    told = complaints(tmp_path, TEXT.replace(found, instead, 1))

    assert any(complaint in each for each in told), told
    assert any(each.startswith(f"{tmp_path.name}/{INO}.yaml:") for each in told)
    if "missing" not in complaint:
        assert any(f"yaml:{line}:" in each for each in told), (line, told)


def test_a_file_is_named_for_its_substance(tmp_path):
    (told,) = complaints(tmp_path, TEXT, "other")

    assert told == f'{tmp_path.name}/other.yaml:1: name the file "{INO}.yaml".'


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "substance: x"])
def test_what_is_no_regimen_is_refused(tmp_path, text):
    assert complaints(tmp_path, text)
