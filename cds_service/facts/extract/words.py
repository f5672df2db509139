"""Reading short clinical phrases with care: what is said, what is denied, what is only considered.

A phrase is judged sentence by sentence. Doubt is no statement: whoever reads "consider HSCT" has
been told nothing about the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Stance = Literal["yes", "no"]

MAX_LENGTH = 2000
"""Longer texts are read up to here: a plan that matters is said early."""

_SENTENCE = re.compile(r"[.;:!?\n]+\s*|\s+(?:but|however|although)\s+", re.IGNORECASE)

_TRANSPLANT = re.compile(
    r"\b(?:(?:allo|auto)?-?(?:hsct|sct|bmt|hct)"
    r"|(?:stem[- ]cell|bone marrow|marrow|allogeneic|autologous|allo|haplo\w*)[- ]*"
    r"(?:stem[- ]cell[- ]*)?transplant\w*"
    r"|allograft\w*)\b",
    re.IGNORECASE,
)
_CANDIDATE = re.compile(
    r"\btransplant[- ](?:candidate|eligible|eligibility)\b|\btransplant[- ]ineligible\b"
    r"|\b(?:candidate|eligible|bridg\w+) (?:for|to) (?:a )?transplant\w*",
    re.IGNORECASE,
)
_OTHER_ORGAN = re.compile(
    r"\b(?:kidney|renal|liver|hepatic|heart|cardiac|lung|corneal?|limbal|pancreas|f[a]?ecal)\b",
    re.IGNORECASE,
)
_DENIED_BEFORE = re.compile(
    r"\b(?:not?|never|without|ineligible|unfit|declin\w+|refus\w+|unsuitable|contraindicat\w+"
    r"|cancel\w*|against|non)\b(?:[\s,/-]+[\w']+){0,5}[\s,/-]*$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"^(?:[\s,/-]+[\w']+){0,3}[\s,/-]*\b(?:not (?!yet|before|until|earlier|later|only)\w+|declined"
    r"|refused|cancel\w*|contraindicated|ruled out|unsuitable|ineligible|no longer)\b",
    re.IGNORECASE,
)
_INELIGIBLE = re.compile(r"\btransplant[- ]ineligible\b", re.IGNORECASE)
_PAST = re.compile(
    r"\b(?:after|following|post|since|previous|prior(?! to)|s/p|status post|history of|had|earlier"
    r"|relapse[sd]?)\b(?:[\s,/-]+[\w']+){0,4}[\s,/-]*$",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:consider\w*|possibl[ey]|potential\w*|may|might|if|whether|evaluat\w+|assess\w*|consult\w*"
    r"|referral|discuss\w*|to be decided|tbd|unclear|undecided|unlikely|donor search|work-?up"
    r"|typing|not yet|no contraindication\w*|without contraindication\w*)\b",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """A text ready for matching: lines end like sentences, blanks stand single, of bounded length.

    Patterns that look for blanks take forever on thousands of them.
    """
    # Blanks other than a space, and ends of lines, do not print.
    if len(text) <= MAX_LENGTH and text.isprintable() and "  " not in text:
        return text.strip()
    lines = (" ".join(line.split()) for line in text[: 4 * MAX_LENGTH].splitlines())
    return ". ".join(filter(None, lines))[:MAX_LENGTH]


def may_hold(text: str, *pieces: str) -> bool:
    """Whether a text may hold one of some pieces of words, in small ASCII letters.

    A quick look before patterns that need one of them, whatever its case. A text beyond ASCII
    always may: there are more letters that such a pattern takes for an "s" or a "k".
    """
    if not text.isascii():
        return True
    plain = text.lower()
    for piece in pieces:  # noqa: SIM110 (A generator costs more than looking at the pieces.)
        if piece in plain:
            return True
    return False


def transplant_stance(texts: Iterable[str]) -> Stance | None:
    """Whether the texts say that a blood stem cell transplant is or is not planned.

    None when they do not speak of one, speak of the past, leave it open, or say both.
    """
    stances = {
        stance
        for text in texts
        if may_hold(text, "transplant", "sct", "hct", "bmt", "allograft")
        for sentence in _SENTENCE.split(tidy(text))
        if (stance := _transplant_in(sentence))
    }
    return stances.pop() if len(stances) == 1 else None


def _transplant_in(sentence: str) -> Stance | None:
    if _OTHER_ORGAN.search(sentence):
        return None
    found = _CANDIDATE.search(sentence) or _TRANSPLANT.search(sentence)
    if found is None:
        return None
    before, after = sentence[: found.start()], sentence[found.end() :]
    if _DOUBT.search(sentence) or _PAST.search(before) or after.casefold().startswith("-naive"):
        return None
    return "no" if _is_denied(found[0], before, after) else "yes"


def _is_denied(term: str, before: str, after: str) -> bool:
    return bool(
        _INELIGIBLE.search(term) or _DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after)
    )


_DENIED_REMISSION = re.compile(
    r"\b(?:(?:not?|never|without|non)[- ](?:[\w-]+ ){0,3}(?:remission|CRi?\b|response)"
    r"|fail\w* to (?:achieve|reach|attain)(?: (?:[\w-]+ ){0,2}(?:remission|CRi?\b))?"
    r"|(?:(?:remission|CRi?) )?(?:was |is )?not (?:achieved|reached|attained)"
    r"|partial(?:ly)? (?:remission|response)|PR\b)",
    re.IGNORECASE,
)
_ACTIVE_DISEASE = re.compile(
    r"\b(?:relaps\w+|refractory|resistant disease|progressi(?:on|ve)"
    r"|persistent (?:disease|leuk\w+))",
    re.IGNORECASE,
)
_SHORT_OF_REMISSION = re.compile(r"\b(?:stable disease|improved|worsened)\b", re.IGNORECASE)
_REMISSION = re.compile(
    r"\b(?:complete (?:morphologic\w* |haematologic\w* |hematologic\w* |cytogenetic )?"
    r"(?:remission|response)|full remission|in remission|morphologic(?:al)? remission)\b",
    re.IGNORECASE,
)
_REMISSION_LETTERS = re.compile(r"\bCRi?\d?\b|\bCR/CRi\b")

_PART = re.compile(r"[,;.]|\b(?:and|with|now)\b", re.IGNORECASE)
_MRD = re.compile(r"\bMRD\b|\b(?:minimal|measurable) residual disease\b", re.IGNORECASE)
_MRD_FINDING = re.compile(
    r"\b(?:(?:no|without|negative for|positive for|negative|positive|undetectable|persistent)[- ])?"
    r"(?:MRD|(?:minimal|measurable) residual disease)\b"
    r"(?:[ :-]*(?:not detected|negativ\w*|neg\b|positiv\w*|pos\b|undetectable|detected|present"
    r"|absent|[-+](?=\s|$)))?",
    re.IGNORECASE,
)
_NO_RELAPSE = re.compile(
    r"\b(?:no|without)(?: \w+){0,3} (?:relaps\w+|progression|progressive disease)\b", re.IGNORECASE
)
_NEGATIVE = re.compile(
    r"\b(?:negativ\w*|neg|undetectable|not detect(?:ed|able)|none detected|no evidence|absent"
    r"|no (?:\w+ ){0,3}(?:detected|detectable|identified|seen)|no (?:MRD|residual disease)"
    r"|below (?:the )?(?:limit|level|lower limit)|non-?detect\w*)\b|\bMRD\s?-(?=\s|$)",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"\b(?:positive|pos|detect(?:ed|able)|present|persistent)\b|\bMRD\s?\+", re.IGNORECASE
)
_NOT_DONE = re.compile(
    r"\b(?:pending|not (?:done|performed|assessed|available|tested)|inadequate|insufficient"
    r"|indeterminate|unknown|equivocal|inconclusive)\b",
    re.IGNORECASE,
)


def speaks_of_mrd(text: str) -> bool:
    """Whether a text is about minimal residual disease."""
    return _MRD.search(text) is not None


def says_remission(text: str) -> bool | None:
    """Whether a text says complete remission, with or without count recovery, or that it is none.

    Partial remission, improvement and stable disease are none; a text that says both says nothing.
    What MRD was found is no matter here, and neither is that there was no relapse.
    The letters CR and CRi count in capitals only: "Cr" is creatinine.
    """
    text = _NO_RELAPSE.sub(" ", _MRD_FINDING.sub(" ", tidy(text)))
    said = {
        one
        for part in _parts(text)
        if not _NOT_DONE.search(part) and (one := _remission_in(part)) is not None
    }
    if said:
        return said.pop() if len(said) == 1 else None
    return False if _SHORT_OF_REMISSION.search(text) else None


def _remission_in(part: str) -> bool | None:
    rest = _DENIED_REMISSION.sub(" ", part)
    is_denied = rest != part or _ACTIVE_DISEASE.search(rest) is not None
    is_said = _REMISSION.search(rest) or _REMISSION_LETTERS.search(rest)
    if is_said:
        return None if is_denied else True
    return False if is_denied else None


def _parts(text: str) -> list[str]:
    """The parts of a text that may speak of different things."""
    return _PART.split(tidy(text))


def says_negative(text: str) -> bool | None:
    """Whether a text says negative (True) or positive (False); None when neither or not done."""
    text = tidy(text)
    if _NOT_DONE.search(text):
        return None
    if _NEGATIVE.search(text):
        return True
    return False if _POSITIVE.search(text) else None


def mrd_in(text: str) -> bool | None:
    """Whether a text says that MRD is negative, judging only the part that speaks of MRD."""
    for part in _parts(text):
        if speaks_of_mrd(part) and (said := says_negative(part)) is not None:
            return said
    return None
