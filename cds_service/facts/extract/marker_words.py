"""Positive, negative, expressed or not: what short words and reports of markers say."""

from __future__ import annotations

import re

from cds_service.facts.extract.words import says_negative, tidy

_REACTIVE = re.compile(r"\b(?:(?P<no>non|not)[- ]?)?(?:reactive|pregnant)\b", re.IGNORECASE)
_PLUS = re.compile(r"\(?\+{1,4}\)?")
_PART = re.compile(r"[,;.]|\b(?:and|but|with)\b", re.IGNORECASE)

_SENTENCE = re.compile(r"[;.]\s|[;.]$")
_OTHER_MARKER = re.compile(r",|\bc?CD\d+\w?|\b(?:and|but)\b", re.IGNORECASE)
_ANY_MARKER = re.compile(r"CD\d", re.IGNORECASE)
_DEGREE = r"(?:very |partial|dim|weak|low|bright|strong|moderate|variable|subset|heterogeneous|\W)*"
_SIGN_PLUS = re.compile(rf"{_DEGREE}\+", re.IGNORECASE)
_SIGN_MINUS = re.compile(
    r"(?:\s?\([-−–]\)|[-−–](?=[\s,;.)/]|$)(?!\s*(?:pos|dim|bright|express)))", re.I
)
_PERCENT = re.compile(r"[\s:(=]*(?P<number>\d{1,3}(?:[.,]\d{1,3})?)\s?%")
_NOT_EXPRESSED = re.compile(
    r"\b(?:not expressed|no expression|loss|lost|lacking|aberrantly absent)\b", re.IGNORECASE
)
_EXPRESSED = re.compile(
    r"\b(?:expressed|expression|dim|bright|weak|strong|partial)\b", re.IGNORECASE
)
_LEAD = re.compile(
    r"\b(?:(?P<no>negative for|do(?:es)? not express|not express\w*|no expression of|lack\w*"
    r"|loss of|lost|without|absen\w+ of)|positive for|co-?express\w*|express\w*)\b",
    re.IGNORECASE,
)


def says_positive(text: str) -> bool | None:
    """Whether a short result says positive or negative; None when neither, or when both."""
    text = tidy(text)
    if _PLUS.fullmatch(text):
        return True
    said = {one for part in _PART.split(text) if (one := _positive_in(part)) is not None}
    return said.pop() if len(said) == 1 else None


def _positive_in(part: str) -> bool | None:
    if found := _REACTIVE.search(part):
        return found["no"] is None
    negative = says_negative(part)
    return None if negative is None else not negative


def names_marker(text: str) -> bool:
    """Whether a text names any marker of the CD series."""
    return _ANY_MARKER.search(text) is not None


def says_expressed(marker: str, text: str) -> bool | None:
    """Whether a report says that a surface marker is expressed; None when it does not tell.

    Read are "CD22+", "CD22 dim", "CD22: negative", "CD22 (98 %)", "positive for CD19 and CD22".
    Cytoplasmic expression ("cCD22") is another matter.
    """
    name = re.compile(rf"(?<!cytoplasmic )\b{re.escape(marker)}\b", re.IGNORECASE)
    said = {
        one
        for sentence in _SENTENCE.split(tidy(text))
        for found in name.finditer(sentence)
        if (one := _after(sentence[found.end() :], _led(sentence[: found.start()]))) is not None
    }
    return said.pop() if len(said) == 1 else None


def _led(before: str) -> bool | None:
    """What the words before a list of markers say of all of them."""
    leads = list(_LEAD.finditer(before))
    return leads[-1]["no"] is None if leads else None


def _after(after: str, led: bool | None) -> bool | None:
    """What stands right behind a marker, else what its list says."""
    if found := _PERCENT.match(after):
        return any(digit in "123456789" for digit in found["number"])
    if _SIGN_MINUS.match(after):
        return False
    own = _OTHER_MARKER.split(after, maxsplit=1)[0]
    if _SIGN_PLUS.match(own):
        return True
    if _NOT_EXPRESSED.search(own):
        return False
    negative = says_negative(own)
    if negative is not None:
        return not negative
    return True if _EXPRESSED.search(own) else led
