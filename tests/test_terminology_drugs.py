"""Any way a drug is coded leads to its ingredients; what we cannot read is said, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.terminology import Coding, Resolution, Terminology
from cds_service.terminology.systems import NDC, canonical_code

TERMINOLOGY = Terminology.load(Path(__file__).parents[1] / "rules" / "valuesets")

INO = "inotuzumab-ozogamicin"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ONDANSETRON = Coding(RXNORM, "26225")


def resolve(*codings: Coding, text: str | None = None) -> Resolution:
    return TERMINOLOGY.resolve_drug(codings, text)


def substances(*codings: Coding, text: str | None = None) -> set[str]:
    return set(resolve(*codings, text=text).substances)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (RXNORM, "1942950"),  # ingredient
        (RXNORM, "1942954"),  # clinical drug
        (RXNORM, "1942955"),  # brand name
        (RXNORM, "1942959"),  # branded drug
        ("urn:oid:2.16.840.1.113883.6.88", "1942954"),
        ("2.16.840.1.113883.6.88", "1942954"),
        ("https://www.nlm.nih.gov/research/umls/rxnorm/", " 1942954 "),
        (ATC, "L01FB01"),
        (ATC, "L01XC26"),
        ("http://www.whocc.no/atc/", "l01fb01"),
        ("urn:oid:2.16.840.1.113883.6.73", "L01FB01"),
        ("http://fhir.de/CodeSystem/bfarm/atc", "L01FB01"),
        (HCPCS, "J9229"),
        ("urn:oid:2.16.840.1.113883.6.285", "j9229"),
        (NDC, "0008-0100-01"),
        (NDC, "00008-0100-01"),
        (NDC, "00008010001"),
        ("urn:oid:2.16.840.1.113883.6.69", "0008-0100-01"),
        ("urn:cds-service:ema-authorisation-number", "EU/1/17/1200/001"),
    ],
)
def test_every_coding_of_inotuzumab_ozogamicin_is_recognised(system: str, code: str) -> None:
    resolution = resolve(Coding(system, code))

    assert resolution == Resolution(frozenset({INO}), "code", False, "")


@pytest.mark.parametrize("text", ["inotuzumab", "BESPONSA 0.8 mg/m2 IV", "Inotuzumab-Ozogamicin"])
def test_words_name_inotuzumab_ozogamicin_as_a_weaker_match(text: str) -> None:
    assert resolve(text=text) == Resolution(frozenset({INO}), "text", False, text)
    assert resolve(Coding(None, None, text)) == Resolution(frozenset({INO}), "text", False, text)


def test_gemtuzumab_ozogamicin_is_another_drug() -> None:
    assert substances(text="gemtuzumab ozogamicin") == {"gemtuzumab-ozogamicin"}
    assert substances(Coding(RXNORM, "1294580")) == {"gemtuzumab-ozogamicin"}
    assert substances(text="ozogamicin") == set()
    assert resolve(text="ozogamicin").by == "nothing"


def test_several_systems_without_displays_are_all_read() -> None:
    """
    A sandbox Medication carries two drug databases we do not know and RxNorm codes of mixed kinds.
    """
    codings = [
        Coding("urn:oid:2.16.840.1.113883.6.253", "39247"),
        Coding("urn:oid:2.16.840.1.113883.6.68", "1942954"),
        Coding(RXNORM, "1942954"),
        Coding(RXNORM, "1942950"),
    ]

    assert substances(*codings) == {INO}


def test_the_union_of_all_codings_counts_not_the_first() -> None:
    assert substances(ONDANSETRON, Coding(ATC, "J02AC01")) == {"ondansetron", "fluconazole"}


def test_a_code_means_nothing_outside_its_system() -> None:
    assert resolve(Coding("http://example.org/local", "1942950")).by == "nothing"
    assert resolve(Coding(None, "1942950")).by == "nothing"
    assert resolve(Coding(ATC, "1942950")).by == "nothing"


def test_a_known_code_wins_over_words() -> None:
    resolution = resolve(ONDANSETRON, text="given before inotuzumab")

    assert (resolution.substances, resolution.by) == (frozenset({"ondansetron"}), "code")
    assert resolution.label == "given before inotuzumab"


def test_words_are_read_beside_a_code_that_names_only_the_diluent() -> None:
    saline = Coding(ATC, "B05XA03", "sodium chloride")

    assert substances(saline, text="inotuzumab in 0.9 % sodium chloride") == {
        INO,
        "sodium-chloride",
    }
    assert resolve(saline, text="inotuzumab in 0.9 % sodium chloride").by == "text"
    assert resolve(saline).by == "code"


@pytest.mark.parametrize(
    "text", ["sodium chloride 0.9 %", "Dextrose 5 %", "Glucose 5%", "Water for injections"]
)
def test_diluents_resolve_to_diluents(text: str) -> None:
    assert substances(text=text) < TERMINOLOGY.substances_in("diluent")
    assert substances(text=text)


def test_a_combination_gives_several_ingredients() -> None:
    assert substances(Coding(RXNORM, "1942744")) == {"cytarabine", "daunorubicin"}
    assert substances(Coding(ATC, "J05AR10")) == {"lopinavir", "ritonavir"}


def test_a_salt_is_folded_into_its_ingredient() -> None:
    assert substances(Coding(RXNORM, "203148")) == substances(ONDANSETRON) == {"ondansetron"}


@pytest.mark.parametrize(
    ("american", "european"),
    [
        (Coding(RXNORM, "11065"), Coding(ATC, "A05AA02")),  # ursodiol, ursodeoxycholic acid
        (Coding(RXNORM, "5552"), Coding(ATC, "L01XX05")),  # hydroxyurea, hydroxycarbamide
        (Coding(RXNORM, "3008"), Coding(ATC, "L04AD01")),  # cyclosporine, ciclosporin
        (Coding(RXNORM, "68149"), Coding(ATC, "L04AA06")),  # mycophenolate
        (Coding(RXNORM, "161"), Coding(ATC, "N02BE01")),  # acetaminophen, paracetamol
        (Coding(RXNORM, "1011"), Coding(ATC, "L04AA04")),  # anti-thymocyte globulin
        (Coding(RXNORM, "2400"), Coding(ATC, "R06AB04")),  # chlorpheniramine, chlorphenamine
        (Coding(RXNORM, "3449"), Coding(ATC, "R06AB03")),  # dimethindene, dimetindene
        (Coding(RXNORM, "38413"), Coding(ATC, "C03CA04")),  # torsemide, torasemide
    ],
)
def test_two_names_of_one_ingredient_are_one_substance(american: Coding, european: Coding) -> None:
    assert len(substances(american, european)) == 1


def test_a_product_resolves_to_its_ingredient_and_the_ingredient_to_its_classes() -> None:
    (substance,) = substances(Coding(RXNORM, "833528"))  # amiodarone 200 mg tablet

    assert substance == "amiodarone"
    assert "qt-known-risk" in TERMINOLOGY.classes_of(substance)


def test_accents_case_and_hyphens_do_not_hide_a_name() -> None:
    assert substances(text="ACIDE URSODÉSOXYCHOLIQUE 250 mg") == {"ursodiol"}
    assert substances(text="Arsenic-Trioxide") == {"arsenic-trioxide"}


def test_only_whole_words_name_a_drug() -> None:
    assert substances(text="ursolic acid") == set()
    assert substances(text="prednisolonefree") == set()


def test_the_longest_name_wins() -> None:
    assert substances(text="melphalan flufenamide") == {"melphalan-flufenamide"}
    assert substances(text="melphalan, then treosulfan") == {"melphalan", "treosulfan"}


@pytest.mark.parametrize("code", ["S01AE03", "S02AA15", "S03AA07"])
def test_eye_and_ear_drops_are_local_use(code: str) -> None:
    resolution = resolve(Coding(ATC, code))

    assert resolution == Resolution(frozenset({"ciprofloxacin"}), "code", True, "")


def test_an_ingredient_code_beside_an_eye_drop_code_does_not_make_it_systemic() -> None:
    assert resolve(Coding(RXNORM, "2551"), Coding(ATC, "S01AE03")).local_use is True


def test_a_systemic_code_beside_a_local_one_makes_it_systemic() -> None:
    assert resolve(Coding(ATC, "J01MA02"), Coding(ATC, "S01AE03")).local_use is False


def test_a_second_drug_is_not_made_local_by_the_first() -> None:
    assert resolve(Coding(RXNORM, "703"), Coding(ATC, "S01AE03")).local_use is False


def test_an_ingredient_code_alone_says_nothing_of_local_use() -> None:
    assert resolve(Coding(RXNORM, "2551")).local_use is False


def test_vaginal_and_skin_azoles_are_azoles_for_local_use() -> None:
    """
    Only their systemic use counts as an azole, but the ingredient is known all the same.
    """
    assert resolve(Coding(ATC, "G01AF11")).local_use is True
    assert resolve(Coding(ATC, "J02AB02")).local_use is False
    assert TERMINOLOGY.substances_in("azole-antifungal-local-use") == frozenset()


def test_inotuzumab_ozogamicin_is_never_listed_against_itself() -> None:
    assert TERMINOLOGY.classes_of(INO) == frozenset()


def test_no_other_conditioning_drug_is_an_alkylator() -> None:
    alkylators = TERMINOLOGY.substances_in("conditioning-alkylator")

    assert alkylators.isdisjoint(TERMINOLOGY.substances_in("conditioning-other"))
    assert "melphalan-flufenamide" not in alkylators
    assert {"busulfan", "melphalan", "cyclophosphamide", "thiotepa", "treosulfan"} <= alkylators


def test_recombinant_zoster_vaccine_is_not_live() -> None:
    (recombinant,) = substances(Coding(ATC, "J07BK03"))

    assert "live-vaccine-candidate" not in TERMINOLOGY.classes_of(recombinant)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("0008-0100-01", "00008-0100-01"),  # 4-4-2
        ("50090-347-01", "50090-0347-01"),  # 5-3-2
        ("50090-3470-1", "50090-3470-01"),  # 5-4-1
        ("50090-3470-01", "50090-3470-01"),  # 5-4-2
        ("50090347001", "50090-3470-01"),
    ],
)
def test_an_ndc_is_compared_in_its_5_4_2_form(written: str, normal: str) -> None:
    assert canonical_code(NDC, written) == normal


@pytest.mark.parametrize(
    "written", ["0008010001", "0008-0100", "008-100-01", "\u0660008-0100-01", ""]
)
def test_what_is_no_complete_ndc_is_left_alone(written: str) -> None:
    """
    Ten digits without hyphens could be three different packages.
    """
    assert canonical_code(NDC, written) == written
    assert resolve(Coding(NDC, written)).by == "nothing"


@given(st.integers(0, 99999), st.integers(0, 9999), st.integers(0, 99))
def test_every_hyphenation_of_a_package_is_the_same_package(
    labeler: int, product: int, package: int
) -> None:
    normal = f"{labeler:05}-{product:04}-{package:02}"
    spellings = {normal, normal.replace("-", "")}
    if labeler < 10_000:
        spellings.add(f"{labeler:04}-{product:04}-{package:02}")
    if product < 1_000:
        spellings.add(f"{labeler:05}-{product:03}-{package:02}")
    if package < 10:
        spellings.add(f"{labeler:05}-{product:04}-{package}")

    assert {canonical_code(NDC, spelling) for spelling in spellings} == {normal}


ANY_TEXT = st.none() | st.text() | st.sampled_from([RXNORM, ATC, NDC, "1942950", "Besponsa"])
ANY_CODING = st.builds(Coding, ANY_TEXT, ANY_TEXT, ANY_TEXT)


@given(st.lists(ANY_CODING), ANY_TEXT)
def test_no_coding_and_no_text_is_too_strange(codings: list[Coding], text: str | None) -> None:
    resolution = TERMINOLOGY.resolve_drug(codings, text)

    assert resolution.substances <= TERMINOLOGY.substances
    assert (resolution.by == "nothing") == (not resolution.substances)
    TERMINOLOGY.concepts_of(codings)


@given(st.text())
def test_normalising_an_ndc_twice_changes_nothing(text: str) -> None:
    assert canonical_code(NDC, canonical_code(NDC, text)) == canonical_code(NDC, text)


@pytest.mark.parametrize("system", sorted({system for system, _ in TERMINOLOGY._drugs}))
def test_a_code_known_at_a_look_means_what_it_means_when_it_is_looked_up(system: str) -> None:
    """Of every code in its usual spelling; one that names a diluent is looked up in any case."""
    for code in (code for known, code in TERMINOLOGY._drugs if known == system):
        resolution = resolve(Coding(system, code, "words"))
        said = TERMINOLOGY.drug_of_code(system, code)
        if said is None:
            assert resolution.substances & TERMINOLOGY.substances_in("diluent")
        else:
            assert resolution == Resolution(said[0], "code", said[1], "words")


def test_a_code_spelled_otherwise_is_not_known_at_a_look() -> None:
    assert TERMINOLOGY.drug_of_code(RXNORM, " 1942950") is None
    assert TERMINOLOGY.drug_of_code("urn:oid:2.16.840.1.113883.6.88", "1942950") is None
