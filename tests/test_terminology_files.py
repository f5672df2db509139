"""The value set files: every code leads somewhere, any may be left out, a wrong one is placed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from cds_service.errors import CDSServiceError, RulesError
from cds_service.terminology import Coding, Terminology
from cds_service.terminology.files import read_families, read_value_sets, read_words
from cds_service.terminology.model import DRUG_KINDS

VALUE_SETS = Path(__file__).parents[1] / "rules" / "valuesets"

GOOD = """\
concept: vod-sos
kind: condition
title: hepatic VOD/SOS
system: http://hl7.org/fhir/sid/icd-10-cm
dated: 2026-11-22
licence: US government
codes:
  - {code: "K76.5", display: Hepatic veno-occlusive disease, verified: simple-icd-10-cm}
"""
DRUG = """\
concept: azole-antifungal
kind: drug-class
title: azole antifungals
system: http://www.whocc.no/atc
dated: 2026-11-22
licence: WHO
codes:
  - {code: "J02AC01", display: fluconazole, substance: fluconazole, verified: WHO ATC}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "valuesets").mkdir()
    return tmp_path / "valuesets"


@pytest.fixture
def complaints(folder: Path) -> Callable[..., tuple[str, ...]]:
    def load(**files: str) -> tuple[str, ...]:
        for name, text in files.items():
            (folder / f"{name.replace('__', '.').replace('_', '-')}.yaml").write_text(
                text, encoding="utf-8"
            )
        with pytest.raises(RulesError) as refusal:
            Terminology.load(folder)
        return refusal.value.complaints

    return load


def test_every_code_of_every_file_leads_to_its_concept_or_substance() -> None:
    problems: list[str] = []
    value_sets = read_value_sets(VALUE_SETS, problems)
    terminology = Terminology.load(VALUE_SETS)

    assert problems == []
    assert sum(len(value_set.rows) for value_set in value_sets) > 1500
    for value_set in value_sets:
        for row in value_set.rows:
            coding = Coding(value_set.system, row.code)
            if value_set.kind in DRUG_KINDS:
                resolution = terminology.resolve_drug([coding])
                assert resolution.substances == set(row.substances), row.place
                assert resolution.by == "code", row.place
                assert resolution.local_use == (row.use == "local"), row.place
            else:
                assert value_set.concept in terminology.concepts_of([coding]), row.place
            assert Coding(value_set.system, row.code, row.display) in terminology.codes(
                value_set.concept
            )


def test_every_systemic_code_of_a_class_makes_its_ingredient_a_member() -> None:
    terminology = Terminology.load(VALUE_SETS)
    for value_set in read_value_sets(VALUE_SETS, []):
        for row in value_set.rows:
            if value_set.kind == "drug-class" and row.use != "local":
                assert set(row.substances) <= terminology.substances_in(value_set.concept)


def test_every_word_and_family_names_something_the_files_know() -> None:
    """
    Loading allows strangers, because a site may leave files out; what we ship has none.
    """
    words = read_words(VALUE_SETS, [])
    families = read_families(VALUE_SETS, [])
    value_sets = read_value_sets(VALUE_SETS, [])
    substances = {slug for vs in value_sets for row in vs.rows for slug in row.substances}
    concepts = {value_set.concept for value_set in value_sets}

    # What is transfused has no code of a drug, and bears the name of the procedure.
    drugs = (words.words.keys() | words.names.keys()) - words.procedures.keys()
    excipients = {"polysorbate-80"}
    assert drugs - words.conditions.keys() - excipients <= substances
    assert {*families.includes, *families.excludes} <= concepts
    assert {member for members in families.includes.values() for member in members} <= concepts
    assert {slug for slugs in families.excludes.values() for slug in slugs} <= substances


def test_no_phrase_names_two_substances() -> None:
    terminology = Terminology.load(VALUE_SETS)
    words = read_words(VALUE_SETS, [])
    for substance, phrases in (*words.words.items(), *words.diluents.items()):
        for phrase in (substance, *phrases):
            assert terminology.resolve_drug((), phrase).substances == {substance}, phrase


def test_every_substance_is_found_by_its_own_name() -> None:
    terminology = Terminology.load(VALUE_SETS)
    for substance in terminology.substances:
        name = terminology.display_name(substance)
        assert terminology.resolve_drug((), name).substances == {substance}


def test_any_one_value_set_may_be_left_out() -> None:
    """
    Files are read one by one; only what follows from all of them together can miss one.
    """
    value_sets = read_value_sets(VALUE_SETS, [])
    words, families = read_words(VALUE_SETS, []), read_families(VALUE_SETS, [])
    for left_out in value_sets:
        rest = [value_set for value_set in value_sets if value_set is not left_out]
        terminology = Terminology(rest, words, families)

        for value_set in rest:
            assert terminology.has(value_set.concept), left_out.place


@pytest.mark.parametrize("name", ["text.yaml", "families.yaml", "qt-known-risk.rxnorm.yaml"])
def test_a_file_may_be_missing_from_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "valuesets"
    shutil.copytree(VALUE_SETS, folder, ignore=shutil.ignore_patterns(name))
    terminology = Terminology.load(folder)

    assert terminology.resolve_drug((), "inotuzumab ozogamicin").by == "text"


@pytest.mark.parametrize("system", ["rxnorm", "atc", "snomed", "cpt", "loinc", "icd10cm"])
def test_a_whole_code_system_may_be_left_out(tmp_path: Path, system: str) -> None:
    folder = tmp_path / "valuesets"
    shutil.copytree(VALUE_SETS, folder, ignore=shutil.ignore_patterns(f"*.{system}.yaml"))

    Terminology.load(folder)


def test_a_local_code_joins_by_a_file_of_its_own(folder: Path) -> None:
    local = GOOD.replace("http://hl7.org/fhir/sid/icd-10-cm", "https://ehr.example.org/codes/")
    (folder / "vod-sos.our-lab.yaml").write_text(local, encoding="utf-8")
    terminology = Terminology.load(folder)

    coding = Coding("https://ehr.example.org/codes", "K76.5")
    assert terminology.concepts_of([coding]) == {"vod-sos"}
    assert [code.system for code in terminology.codes("vod-sos")] == [
        "https://ehr.example.org/codes/"
    ]


def test_a_site_list_that_names_inotuzumab_is_not_turned_against_it(folder: Path) -> None:
    shutil.copy(VALUE_SETS / "families.yaml", folder)
    site_list = DRUG.replace("azole-antifungal", "qt-known-risk") + (
        '  - {code: "L01FB01", display: inotuzumab ozogamicin,'
        " substance: inotuzumab-ozogamicin, verified: site list}\n"
    )
    (folder / "qt-known-risk.atc.yaml").write_text(site_list, encoding="utf-8")
    terminology = Terminology.load(folder)

    assert terminology.substances_in("qt-known-risk") == {"fluconazole"}
    assert terminology.resolve_drug([Coding("http://www.whocc.no/atc", "L01FB01")]).by == "code"


def test_of_two_dates_the_older_one_counts(folder: Path) -> None:
    newer = GOOD.replace("icd-10-cm", "other").replace("2026-11-22", "2026-12-01")
    (folder / "vod-sos.icd10cm.yaml").write_text(GOOD, encoding="utf-8")
    (folder / "vod-sos.other.yaml").write_text(newer, encoding="utf-8")

    assert Terminology.load(folder).dated("vod-sos") == date(2026, 11, 22)


def test_a_family_lives_as_long_as_one_of_its_members(folder: Path) -> None:
    member = GOOD.replace("concept: vod-sos", "concept: liver-event")
    (folder / "liver-event.icd10cm.yaml").write_text(member, encoding="utf-8")
    (folder / "families.yaml").write_text(
        "includes:\n  liver: [liver-event, left-out]\n", encoding="utf-8"
    )
    terminology = Terminology.load(folder)

    coding = Coding("http://hl7.org/fhir/sid/icd-10-cm", "K76.5")
    assert terminology.has("liver")
    assert terminology.concepts_of([coding]) == {"liver", "liver-event"}


def test_an_empty_folder_is_refused(complaints: Callable[..., tuple[str, ...]]) -> None:
    assert complaints() == ("valuesets:1: no value set files are here.",)


def test_rules_errors_are_ours_and_tell_everything() -> None:
    error = RulesError(["a.yaml:1: wrong.", "b.yaml:2: wrong too."])

    assert isinstance(error, CDSServiceError)
    assert str(error) == "a.yaml:1: wrong.\nb.yaml:2: wrong too."


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("title:", "tilte:", '3: unknown key "tilte"; allowed: concept, kind, title,'),
        ("title:", "tilte:", 'Did you mean "title"?'),
        ("kind: condition", "kind: conditoin", 'Did you mean "condition"?'),
        ("kind: condition", "kind: conditoin", '2: kind "conditoin" is none of drug-class,'),
        ("system: http://hl7.org/fhir/sid/icd-10-cm\n", "", '1: "system" is missing.'),
        ("licence: US government\n", "", '1: "licence" is missing.'),
        ("2026-11-22", "last autumn", "5: dated must be a date such as 2026-11-22."),
        ("2026-11-22", "[2026]", "5: dated must be a date such as 2026-11-22."),
        ('"K76.5"', "0765", '8: code must be a text: write "0765" in quotes.'),
        ('"K76.5"', '""', "8: code is empty."),
        ('"K76.5"', "[a]", "8: code must be a text."),
        ('code: "K76.5", ', "", '8: "code" is missing.'),
        ("display:", "dispaly:", 'Did you mean "display"?'),
        (", verified: simple-icd-10-cm", "", '8: "verified" is missing.'),
        ("verified:", "substance: x, verified:", "8: a code of kind condition has no substance."),
        ("concept: vod-sos", "concept: vod", '1: concept "vod" is not what the file is named for'),
        ("title: hepatic VOD/SOS", "title:", "3: title is empty."),
        ("title: hepatic VOD/SOS", "title: a\ntitle: b", '4: "title" is given twice.'),
        ("codes:\n  -", "codes:\n ", "8: codes must be a list."),
        ("dated: 2026-11-22", "dated: 2026-11-22\nuse: topical", '6: use "topical" is none of'),
        ("title:", "[title]:", "3: a key must be a plain word."),
        ("title:", "  title: {", "this is not YAML:"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    complaints: Callable[..., tuple[str, ...]], good: str, bad: str, complaint: str
) -> None:
    found = complaints(vod_sos__icd10cm=GOOD.replace(good, bad))

    assert all(line.startswith("valuesets/vod-sos.icd10cm.yaml:") for line in found)
    assert any(complaint in line for line in found), found


def test_a_drug_without_an_ingredient_is_refused(
    complaints: Callable[..., tuple[str, ...]],
) -> None:
    assert complaints(azole_antifungal__atc=DRUG.replace("substance: fluconazole, ", "")) == (
        'valuesets/azole-antifungal.atc.yaml:8: "substance" is missing.',
    )


def test_an_ingredient_is_written_as_a_slug(complaints: Callable[..., tuple[str, ...]]) -> None:
    (complaint,) = complaints(
        azole_antifungal__atc=DRUG.replace("substance: fluc", "substance: Fluc")
    )

    assert complaint == (
        'valuesets/azole-antifungal.atc.yaml:8: substance "Fluconazole" must be lower-case words'
        " joined by hyphens."
    )


def test_two_files_may_repeat_a_code_but_not_contradict_each_other(
    complaints: Callable[..., tuple[str, ...]], folder: Path
) -> None:
    again = DRUG.replace("azole-antifungal", "qt-known-risk")
    (folder / "qt-known-risk.atc.yaml").write_text(again, encoding="utf-8")
    (folder / "azole-antifungal.atc.yaml").write_text(DRUG, encoding="utf-8")
    Terminology.load(folder)

    assert complaints(qt_known_risk__atc=again.replace("substance: fluc", "substance: voric")) == (
        'valuesets/qt-known-risk.atc.yaml:8: code "J02AC01" is voriconazole here'
        " and fluconazole at valuesets/azole-antifungal.atc.yaml:8.",
    )


def test_a_code_is_listed_once(complaints: Callable[..., tuple[str, ...]]) -> None:
    twice = GOOD + '  - {code: "K76.5", display: again, verified: simple-icd-10-cm}\n'

    assert complaints(vod_sos__icd10cm=twice) == (
        'valuesets/vod-sos.icd10cm.yaml:9: code "K76.5" is already listed at'
        " valuesets/vod-sos.icd10cm.yaml:8.",
    )


def test_a_concept_is_of_one_kind(complaints: Callable[..., tuple[str, ...]]) -> None:
    other = GOOD.replace("kind: condition", "kind: procedure")

    assert complaints(vod_sos__icd10cm=GOOD, vod_sos__snomed=other) == (
        'valuesets/vod-sos.snomed.yaml:2: "vod-sos" is of kind procedure here'
        " and of kind condition at valuesets/vod-sos.icd10cm.yaml:2.",
    )


def test_every_problem_of_every_file_is_told_at_once(
    complaints: Callable[..., tuple[str, ...]],
) -> None:
    found = complaints(
        vod_sos__icd10cm="just words",
        ascites__icd10cm="",
        text="wrods: {}\nnames: {alt: [ALT]}\n",
        families="includes: {hsct: 1}\n",
    )

    assert set(found) == {
        'valuesets/vod-sos.icd10cm.yaml:1: the file must be a list of "key: value" lines.',
        'valuesets/ascites.icd10cm.yaml:1: the file must be a list of "key: value" lines.',
        'valuesets/text.yaml:1: unknown key "wrods"; allowed: words, names, diluents, conditions, '
        "procedures."
        ' Did you mean "words"?',
        "valuesets/text.yaml:2: name must be a text.",
        'valuesets/families.yaml:1: members of hsct must be a text: write "1" in quotes.',
    }


def test_bytes_that_are_no_text_are_refused(
    complaints: Callable[..., tuple[str, ...]], folder: Path
) -> None:
    (folder / "vod-sos.icd10cm.yaml").write_bytes(b"\xff\xfe")

    assert complaints() == ("valuesets/vod-sos.icd10cm.yaml:1: the file is not UTF-8 text.",)


def test_a_mapping_is_expected_where_a_row_stands(
    complaints: Callable[..., tuple[str, ...]],
) -> None:
    found = complaints(vod_sos__icd10cm=GOOD + "  - K76.6\n")

    assert "valuesets/vod-sos.icd10cm.yaml:9: expected a mapping here." in found


def test_what_is_listed_for_checking_must_say_why(
    complaints: Callable[..., tuple[str, ...]],
) -> None:
    assert complaints(vod_sos__icd10cm=GOOD + "unverified:\n  - {display: VOD}\n") == (
        'valuesets/vod-sos.icd10cm.yaml:10: "note" is missing.',
    )
