"""One spelling for every code system and every code, so that they can be compared.

The OIDs are those of the FHIR specification (terminologies' naming systems) and of HL7's registry;
an OID we do not know is a system we do not know, and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
NDC = "http://hl7.org/fhir/sid/ndc"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
CPT = "http://www.ama-assn.org/go/cpt"

_OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    RXNORM: ("2.16.840.1.113883.6.88",),
    # Germany publishes its own ATC edition, with the same codes for the same substances.
    ATC: (
        "2.16.840.1.113883.6.73",
        "fhir.de/codesystem/bfarm/atc",
        "fhir.de/codesystem/dimdi/atc",
    ),
    NDC: ("2.16.840.1.113883.6.69",),
    HCPCS: (
        "2.16.840.1.113883.6.285",
        "2.16.840.1.113883.6.14",
        "terminology.hl7.org/codesystem/hcpcs",
    ),
    SNOMED: ("2.16.840.1.113883.6.96",),
    LOINC: ("2.16.840.1.113883.6.1",),
    ICD10CM: ("2.16.840.1.113883.6.90",),
    ICD10PCS: ("2.16.840.1.113883.6.4",),
    CPT: ("2.16.840.1.113883.6.12",),
}
_PREFIXES = ("https://", "http://", "urn:oid:")
_NDC_HYPHENATIONS = frozenset({(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)})


def canonical_system(system: str) -> str:
    """The address of a code system, whichever way it was spelled.

    http or https, a trailing slash, letter case, and an OID bare or as `urn:oid:` make no
    difference. An unknown system comes back plain, so that a site's own file can still match it.
    """
    known = _AS_SENT.get(system)
    if known is not None:
        return known
    plain = _plain(system)
    return _CANONICAL.get(plain, plain)


def canonical_code(system: str, code: str) -> str:
    """The code as its (canonical) system writes it: NDC in 5-4-2, ICD-10-CM without the dot.

    LOINC, SNOMED CT, RxNorm and unknown systems are only stripped of blanks.
    """
    return _CODE_FORMS.get(system, str.strip)(code)


def _plain(system: str) -> str:
    plain = system.strip().casefold()
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain.rstrip("/")


def _ndc(code: str) -> str:
    """An NDC in its 5-4-2 form; anything else unchanged.

    Ten digits without hyphens fit three packages and are therefore left alone.
    """
    code = code.strip()
    parts = code.split("-")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return code
    if len(parts) == 1 and len(code) == 11:
        return f"{code[:5]}-{code[5:9]}-{code[9:]}"
    if tuple(map(len, parts)) not in _NDC_HYPHENATIONS:
        return code
    labeler, product, package = parts
    return f"{labeler.zfill(5)}-{product.zfill(4)}-{package.zfill(2)}"


def _upper(code: str) -> str:
    return code.strip().upper()


def _without_dot(code: str) -> str:
    return _upper(code).replace(".", "")


_CANONICAL: Mapping[str, str] = {
    _plain(spelling): system
    for system, others in _OTHER_NAMES.items()
    for spelling in (system, *others)
}
_AS_SENT: Mapping[str, str] = {
    spelling: system
    for system, others in _OTHER_NAMES.items()
    for spelling in (system, *(f"urn:oid:{other}" for other in others if other[0].isdigit()))
}
"""The usual spellings, which need no thought."""

_CODE_FORMS: Mapping[str, Callable[[str], str]] = {
    NDC: _ndc,
    ATC: _upper,
    HCPCS: _upper,
    CPT: _upper,
    ICD10CM: _without_dot,
    ICD10PCS: _upper,
}
