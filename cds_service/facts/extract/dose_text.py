"""A dose that is only written in words: "C2D8: 1.0 mg IV over 1 hour", "0,5 mg/m² i.v."."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from cds_service.facts.extract.words import tidy
from cds_service.facts.model import Measured
from cds_service.facts.quantity import canonical_unit, converted, read_printed

_PER_M2 = r"\s?/\s?(?:m2|m\^2|m²|sqm)"
_AMOUNT = re.compile(
    rf"(?P<more>[x×*/–-]\s?|\bto\s|\bbis\s)?(?<![\d.,])\d{{1,4}}(?:[.,]\d{{1,3}})?\s?mg(?:{_PER_M2})?"
    r"(?![\w²^]|\s?/|\s?(?:to|bis|-|–|x|×)\s?\d|\s(?:per|pro|a)\s(?!dose|Dosis))",
    re.IGNORECASE,
)
_ANY_AMOUNT = re.compile(r"\d\s?mg\b", re.IGNORECASE)
_NOT_A_DOSE = re.compile(
    r"\b(?:vials?|ampoules?|Durchstechflaschen?|max\w*|up to|exceed\w*|previous\w*|instead|reduc\w+"
    r"|if|falls|or|oder|cycle dose|per cycle|pro Zyklus|total\w*|cumulative|divided|alternat\w*)\b",
    re.IGNORECASE,
)


def dose_in_words(texts: Iterable[str], kind: Literal["dose", "dose-per-m2"]) -> Measured | None:
    """The one amount in mg (or mg/m2) that the texts name; None when they name none or several.

    Nothing is taken from texts that also speak of vials, limits, totals or another dose, nor from
    a range, a rate or a concentration.
    """
    written = [tidy(text) for text in texts if "mg" in text.casefold()]
    if kind == "dose-per-m2" and not any("/" in text for text in written):
        return None
    if any(_NOT_A_DOSE.search(text) for text in written):
        return None
    found: dict[object, Measured] = {}
    for text in written:
        amounts = list(_AMOUNT.finditer(text))
        if len(amounts) != len(_ANY_AMOUNT.findall(text)) or any(each["more"] for each in amounts):
            return None
        for each in amounts:
            amount = read_printed(each[0])
            if amount is None:
                return None
            if in_unit := converted(kind, amount, canonical_unit(kind)):
                found[in_unit.value] = in_unit
    return found.popitem()[1] if len(found) == 1 else None
