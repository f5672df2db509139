"""One word per route of administration, however an order names it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cds_service.facts.extract.words import tidy
from cds_service.fhir.peek import Resource, codings_of, name_of, text_at, texts_of

_CODES: Mapping[str, str] = {
    "47625008": "intravenous",
    "26643006": "oral",
    "34206005": "subcutaneous",
    "78421000": "intramuscular",
    "72607000": "intrathecal",
    "38239002": "intraperitoneal",
    "58100008": "intra-arterial",
    "37161004": "rectal",
    "37839007": "sublingual",
    "54471007": "buccal",
    "45890007": "transdermal",
    "46713006": "nasal",
    "6064005": "topical",
    "16857009": "vaginal",
    "54485002": "ophthalmic",
    "10547007": "otic",
}
"""SNOMED CT codes of the FHIR value set route-codes."""

_WORDS: Mapping[str, re.Pattern[str]] = {
    route: re.compile(rf"\b(?:{words})\b")
    for route, words in {
        "intravenous": r"I\.?V\.?|i\.?v\.?|IVPB|IVP|[Ii]ntra-?venous(?:ly)?|INTRAVENOUS",
        "oral": r"P\.?O\.?|p\.?o\.?|[Oo]ral(?:ly)?|ORAL|[Bb]y mouth",
        "subcutaneous": r"S\.?C\.?|s\.?c\.?|S\.?Q\.?|[Ss]ub-?[Cc]ut\w*|SUBCUTANEOUS",
        "intramuscular": r"I\.?M\.?|i\.?m\.?|[Ii]ntra-?muscular(?:ly)?|INTRAMUSCULAR",
        "intrathecal": r"I\.?T\.?|i\.t\.?|[Ii]ntra-?thecal(?:ly)?|INTRATHECAL",
        "intraperitoneal": r"[Ii]ntra-?peritoneal(?:ly)?",
        "intra-arterial": r"[Ii]ntra-?arterial(?:ly)?",
        "rectal": r"P\.?R\.?|[Rr]ectal(?:ly)?",
        "sublingual": r"[Ss]ublingual(?:ly)?",
        "topical": r"[Tt]opical(?:ly)?",
        "ophthalmic": r"[Oo]phthalmic",
        "nasal": r"(?:[Ii]ntra)?[Nn]asal(?:ly)?",
    }.items()
}
"""Abbreviations count as they are written: "it" is no route."""

_IN_AN_ORDER = ("intravenous", "subcutaneous", "intramuscular", "intrathecal", "oral")
_SENTENCE = re.compile(r"[.;]\s")
_DENIED = re.compile(r"\b(?:not|never|avoid|instead|if)\b", re.IGNORECASE)
_OTHER_USE = re.compile(
    r"\b(?:premedicat\w*|fluids?|hydrat\w*|oral (?:care|intake))", re.IGNORECASE
)


def route_of(dosages: Iterable[Resource]) -> str:
    """The route: ``intravenous``, ``oral``, ``subcutaneous``, ``intramuscular``, ``intrathecal``...

    Of the first dosage that names one; in the chart's own words when it is none we know. Where
    none is coded or named, the one route the instructions mention; else empty.
    """
    dosages = list(dosages)
    for dosage in dosages:
        if route := _named(dosage.get("route")):
            return route
    said = {
        route
        for dosage in dosages
        for sentence in _SENTENCE.split(tidy(text_at(dosage, "text")))
        if not _DENIED.search(sentence) and not _OTHER_USE.search(sentence)
        for route in _routes_in(sentence, _IN_AN_ORDER)
    }
    return said.pop() if len(said) == 1 else ""


def _named(concept: object) -> str:
    """The route of a CodeableConcept: by code, else by words, else as it is."""
    for coding in codings_of(concept):
        if known := _CODES.get(text_at(coding, "code")):
            return known
    known_words = {
        route for words in (*texts_of(concept), name_of(concept)) for route in _routes_in(words)
    }
    return known_words.pop() if len(known_words) == 1 else name_of(concept)


def _routes_in(text: str, routes: Iterable[str] = _WORDS) -> list[str]:
    return [route for route in routes if _WORDS[route].search(text)]
