"""What the words of a leukaemia diagnosis add to its code: relapsed, Philadelphia-positive or not.

No code for these was verified, so they are weak matches; a card that rests on one says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from cds_service.facts.extract.words import tidy

LEUKAEMIAS = frozenset(
    {"b-all", "all-unspecified-lineage", "t-all-exclude", "lymphoblastic-lymphoma"}
)
RELAPSED, PH_POSITIVE, PH_NEGATIVE = "relapsed-or-refractory", "ph-positive", "ph-negative"

_RELAPSED = re.compile(
    r"(?<!\bno )(?<!\bnot )(?<!\bnon-)(?<!\bwithout )(?<!\bnever )\b(?:relaps\w*|refractory)\b",
    re.IGNORECASE,
)
_MARKER = r"(?:\bph(?:iladelphia)?(?:[ -]chromosome)?|\bbcr\W{0,2}abl1?|\bt\(9;22\)(?:\(\S*\))?)"
_ANY = re.compile(rf"relaps|refractory|{_MARKER}", re.IGNORECASE)
_LIKE = re.compile(rf"{_MARKER}[ -]?like", re.IGNORECASE)
_NEGATIVE = re.compile(
    rf"{_MARKER}\W{{0,3}}(?:neg\w*|absent|not detected)"
    rf"|{_MARKER} ?(?:[-−–](?=[\s,;.)]|$)|\([-−–]\))"
    rf"|\b(?:no|without|negative for|absence of)\W{{1,2}}{_MARKER}",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    rf"{_MARKER}\W{{0,3}}(?:pos\w*|present|detected)|{_MARKER} ?(?:\+|\(\+\))"
    r"|\b(?:bcr\W{0,2}abl1?|t\(9;22\))",
    re.IGNORECASE,
)


def leukaemia_words(texts: Iterable[str]) -> frozenset[str]:
    """The concepts that the words of one diagnosis of leukaemia state."""
    found: set[str] = set()
    for text in map(tidy, dict.fromkeys(texts)):
        if not _ANY.search(text):
            continue
        if _RELAPSED.search(text):
            found.add(RELAPSED)
        plain = _LIKE.sub("", text)
        denied = _NEGATIVE.search(plain) is not None
        if denied:
            found.add(PH_NEGATIVE)
        if _POSITIVE.search(_NEGATIVE.sub("", plain)):
            found.add(PH_POSITIVE)
    return frozenset(found)
