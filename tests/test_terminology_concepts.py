"""Codes of results, conditions and procedures, and the traps among them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cds_service.terminology import Coding, Terminology
from cds_service.terminology.systems import _OTHER_NAMES, canonical_system

TERMINOLOGY = Terminology.load(Path(__file__).parents[1] / "rules" / "valuesets")

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
CPT = "http://www.ama-assn.org/go/cpt"


def concepts(system: str, code: str) -> set[str]:
    return set(TERMINOLOGY.concepts_of([Coding(system, code)]))


@pytest.mark.parametrize("code", ["2106-3", "2118-8"])
def test_a_race_code_is_not_a_pregnancy_test(code: str) -> None:
    """
    The CDC race code system uses two codes that LOINC uses for pregnancy tests.
    """
    assert concepts(LOINC, code) == {"pregnancy-test"}
    assert concepts("urn:oid:2.16.840.1.113883.6.238", code) == set()


@pytest.mark.parametrize("code", ["1975-2", "14631-6", "35194-0", "77137-8"])
def test_total_bilirubin_is_total(code: str) -> None:
    assert concepts(LOINC, code) == {"total-bilirubin"}


@pytest.mark.parametrize("code", ["1968-7", "14629-0", "15152-2", "1971-1"])
def test_direct_and_indirect_bilirubin_are_not_total(code: str) -> None:
    assert concepts(LOINC, code) <= {"direct-bilirubin", "indirect-bilirubin"}
    assert concepts(LOINC, code)


@pytest.mark.parametrize("code", ["42719-5", "54363-7"])
def test_an_unverified_code_is_never_matched(code: str) -> None:
    assert concepts(LOINC, code) == set()


@pytest.mark.parametrize(("code", "concept"), [("770-8", "neutrophil-percent"), ("751-8", "anc")])
def test_a_percentage_of_neutrophils_is_not_a_count(code: str, concept: str) -> None:
    assert concepts(LOINC, code) == {concept}


def test_segmented_neutrophils_alone_are_no_anc() -> None:
    assert concepts(LOINC, "30451-9") == {"anc-segmented-only"}


def test_each_qt_interval_keeps_its_formula() -> None:
    assert concepts(LOINC, "8634-8") == {"qt-uncorrected"}
    assert concepts(LOINC, "8636-3") == {"qtc"}
    assert concepts(LOINC, "76634-5") == {"qtc-fridericia"}
    assert concepts(LOINC, "76635-2") == {"qtc-bazett"}


def test_a_stated_weight_is_not_a_measured_one() -> None:
    assert concepts(LOINC, "3142-7") == {"body-weight-stated"}


@pytest.mark.parametrize("code", ["K76.5", "K765", "k76.5", " K76.5 "])
def test_icd_10_cm_may_come_without_its_dot(code: str) -> None:
    assert concepts(ICD10CM, code) == {"vod-sos"}


@pytest.mark.parametrize(
    "system", [ICD10CM, "https://hl7.org/fhir/sid/icd-10-cm/", "urn:oid:2.16.840.1.113883.6.90"]
)
def test_every_spelling_of_a_system_is_that_system(system: str) -> None:
    assert concepts(system, "I47.21") == {"torsades"}


def test_a_subcode_counts_only_when_listed() -> None:
    assert concepts(ICD10CM, "K76") == set()
    assert concepts(ICD10CM, "K76.51") == set()


def test_the_three_codes_of_all_say_nothing_of_the_lineage() -> None:
    assert concepts(ICD10CM, "C91.00") == {"all-unspecified-lineage"}
    assert concepts(ICD10CM, "C91.01") == {"all-unspecified-lineage", "all-in-remission"}
    assert concepts(ICD10CM, "C91.02") == {"all-unspecified-lineage", "all-in-relapse"}


def test_t_cell_all_is_no_b_cell_all() -> None:
    assert concepts(SNOMED, "277575008") == {"t-all-exclude"}
    assert concepts(SNOMED, "277571004") == {"b-all"}


def test_awaiting_an_organ_is_not_awaiting_stem_cells() -> None:
    assert concepts(ICD10CM, "Z76.82") == {"awaiting-transplant"}


@pytest.mark.parametrize(
    ("system", "code"), [(SNOMED, "397554006"), (CPT, "38242"), (CPT, "38243")]
)
def test_limbal_cells_lymphocytes_and_boosts_are_no_transplant(system: str, code: str) -> None:
    assert concepts(system, code) == {"not-hsct"}


def test_an_autologous_and_an_allogeneic_transplant_are_transplants() -> None:
    assert concepts(SNOMED, "709115004") == {"hsct", "hsct-autologous"}
    assert concepts(CPT, "38240") == {"hsct", "hsct-allogeneic"}
    assert concepts("http://www.cms.gov/Medicare/Coding/ICD10", "30243Y0") == {
        "hsct",
        "hsct-autologous",
    }


def test_a_family_lists_the_codes_of_its_members() -> None:
    assert set(TERMINOLOGY.codes("hsct-autologous")) < set(TERMINOLOGY.codes("hsct"))


def test_remission_is_told_from_improvement() -> None:
    assert concepts(SNOMED, "103338009") == {"cr-candidate"}
    assert concepts(SNOMED, "103337004") == {"not-cr"}
    assert concepts(SNOMED, "268910001") == {"status-not-cr-evidence"}


def test_a_concept_without_any_code_is_known_all_the_same() -> None:
    assert TERMINOLOGY.has("mrd")
    assert TERMINOLOGY.codes("mrd") == ()
    assert TERMINOLOGY.kind_of("mrd") == "analyte"


def test_an_unknown_name_is_nothing() -> None:
    assert not TERMINOLOGY.has("total-bilrubin")
    assert TERMINOLOGY.kind_of("total-bilrubin") is None
    assert TERMINOLOGY.codes("total-bilrubin") == ()
    assert TERMINOLOGY.substances_in("total-bilrubin") == frozenset()
    assert TERMINOLOGY.dated("total-bilrubin") is None


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("total-bilirubin", "total bilirubin"),
        ("alt", "ALT"),
        ("inotuzumab-ozogamicin", "inotuzumab ozogamicin"),
        ("arsenic-trioxide", "arsenic trioxide"),
        ("amphotericin-b", "amphotericin B"),
        ("vod-sos", "hepatic VOD/SOS"),
    ],
)
def test_names_are_printed_as_a_clinician_writes_them(name: str, printed: str) -> None:
    assert TERMINOLOGY.display_name(name) == printed
    assert name in TERMINOLOGY.names


def test_codes_keep_their_order() -> None:
    assert [coding.code for coding in TERMINOLOGY.codes("total-bilirubin")] == [
        "1975-2",
        "14631-6",
        "35194-0",
        "77137-8",
    ]


def test_the_qt_list_carries_its_date() -> None:
    assert TERMINOLOGY.dated("qt-known-risk") == date(2026, 11, 22)


def test_a_bare_code_has_the_words_of_its_value_set() -> None:
    """Chronic hepatitis B says less than the set it is in, "serious liver disease"."""
    assert TERMINOLOGY.display_of(Coding(ICD10CM, "B18.1")) == (
        "Chronic viral hepatitis B without delta-agent"
    )


@pytest.mark.parametrize("coding", [Coding(ICD10CM, "Z99.99"), Coding(None, "B18.1")])
def test_a_code_of_no_value_set_has_no_words(coding: Coding) -> None:
    assert TERMINOLOGY.display_of(coding) == ""


SPELLINGS = ("{}", " {} ", "{}/", "urn:oid:{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("system", [*_OTHER_NAMES, *(n for o in _OTHER_NAMES.values() for n in o)])
def test_a_spelling_that_needs_no_thought_means_what_thought_would_find(
    system: str, spelling: str
) -> None:
    written = spelling.format(system)

    assert canonical_system(written) == canonical_system(f"{written.strip().upper()}//")


@pytest.mark.parametrize("listed", sorted(TERMINOLOGY._as_listed))
def test_a_code_as_listed_means_what_it_means_in_any_spelling(listed: tuple[str, str]) -> None:
    system, code = listed
    otherwise = (f"{system.upper()}/", f" {code} ")

    assert otherwise not in TERMINOLOGY._as_listed
    assert TERMINOLOGY.concepts_of_code(*otherwise) == TERMINOLOGY.concepts_of_code(*listed)
    assert TERMINOLOGY.concepts_of_code(*listed)
