"""How a dose is to be prepared and run, as far as an order says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from cds_service.facts.extract.material import Material
from cds_service.facts.extract.medication import DILUENTS, parts_of
from cds_service.facts.extract.numbers import number_of
from cds_service.facts.extract.words import may_hold, tidy
from cds_service.facts.interval import Interval
from cds_service.facts.model import Infusion, Measured
from cds_service.fhir.library import Found
from cds_service.fhir.peek import Resource, at, each, text_at, texts_of
from cds_service.terminology import Resolution

_MINUTES = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), Fraction(1, 60)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), Fraction(1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), Fraction(60)),
    **dict.fromkeys(("d", "day", "days"), Fraction(1440)),
}
_MILLILITRES = {
    **dict.fromkeys(("ml", "milliliter", "milliliters", "millilitre", "millilitres"), Fraction(1)),
    **dict.fromkeys(("l", "liter", "litre"), Fraction(1000)),
}

_TIME = r"(?P<unit>min(?:ute)?s?|h(?:ou)?rs?|h)\b"
_NUMBER = r"\d{1,4}(?:\.\d{1,2})?"
_OVER = re.compile(
    rf"\bover (?:about |approximately |approx\.? |~ ?)?(?P<number>{_NUMBER}|one|two|half an|an)"
    rf"(?: ?(?:-|–|to) ?(?P<to>{_NUMBER}))?[ -]?{_TIME}"
    rf"(?:(?: and)? (?P<more>\d{{1,2}}) ?min(?:ute)?s?\b)?",
    re.IGNORECASE,
)
_LONG = re.compile(
    rf"\b(?P<number>{_NUMBER}|one|two)[- ]?(?P<unit>min(?:ute)?|h(?:ou)?r|h)"
    r"[- ](?:(?:IV|i\.v\.|intravenous) )?infusion\b",
    re.IGNORECASE,
)
_VOLUME = re.compile(rf"(?<![\d.])(?P<number>{_NUMBER}) ?mL\b(?! ?(?:/|per\b|an?\b|vial))", re.I)
_RATE = re.compile(rf"(?<![\d.])(?P<number>{_NUMBER}) ?mL ?(?:/|per|an) ?h(?:ou)?r?\b", re.I)
_IN_A_BAG = re.compile(
    rf"\b(?:in|into|to|with|volume(?: of)?:?) (?:a (?:total |final )?volume of )?{_NUMBER} ?mL\b"
    rf"|(?<![\d.]){_NUMBER} ?mL (?:bag|of|0\.9|sodium|NaCl|NS|saline|dextrose|D5W|glucose|total)",
    re.IGNORECASE,
)
_WORDS = {"one": Fraction(1), "an": Fraction(1), "two": Fraction(2), "half an": Fraction(1, 2)}

_SAYS_NOTHING = Infusion()

_MIXED = re.compile(
    r"\b(?:mixed? (?:together )?with|together with|in the same (?:bag|line|syringe) (?:as|with)"
    r"|same (?:bag|line) (?:as|with)|y-?site(?:d)? with|(?:run|infused?|given) (?:\w+ )?with"
    r"|co-?infused? with|piggybacked? (?:on)?to)\b",
    re.IGNORECASE,
)
_SYRINGE = re.compile(r"\bsyringe\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;]\s")
_CLAUSE = re.compile(r",\s|\bthen\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|never|avoid|without|compatible|incompatible|unless)\b", re.IGNORECASE
)
_ABOUT_ELSE = re.compile(
    r"\b(?:observ\w+|monitor\w*|flush\w*|premedicat\w*|rins\w+|reconstitut\w+|hydrat\w+"
    r"|after (?:the )?infusion|before (?:the )?infusion|within|stable|vital)\b",
    re.IGNORECASE,
)


def infusion_of(
    found: Found, dosages: Iterable[Resource], dose: Measured | None, material: Material
) -> Infusion | None:
    """What an order says about preparing and running its dose; None when it says nothing.

    Where two of its statements differ, the number is everything between them.
    """
    dosages = list(dosages)
    texts = [clause for dosage in dosages for clause in _clauses(dosage)]
    parts = parts_of(found, material)
    volume = _hull([*_volumes(texts), *_ingredient_volumes(found, material)])
    infusion = Infusion(
        minutes=_hull([*_durations(dosages), *_worded_durations(texts)])
        or _hull(_by_rate(dosages, texts, volume, dose)),
        volume_ml=volume,
        diluents=_diluents(parts, texts, material),
        mixed_with=_mixed(parts, texts, material),
        syringe=any(_SYRINGE.search(text) for text in texts)
        or any(_SYRINGE.search(words) for words in _methods(dosages)),
    )
    return None if infusion == _SAYS_NOTHING else infusion


def _clauses(dosage: Resource) -> Iterator[str]:
    """What the words say of the infusion itself: nothing forbidden, nothing before or after it."""
    for text in (text_at(dosage, "text"), *texts_of(dosage.get("additionalInstruction"))):
        for sentence in _SENTENCE.split(tidy(text)):
            allowed = _DENIED.split(sentence, maxsplit=1)[0]
            for clause in _CLAUSE.split(allowed):
                if not _ABOUT_ELSE.search(clause):
                    yield clause


def _methods(dosages: Iterable[Resource]) -> Iterator[str]:
    for dosage in dosages:
        yield from texts_of(dosage.get("method"))


def _hull(found: Iterable[Interval]) -> Interval | None:
    """Everything between the least and the greatest of some intervals."""
    known = list(found)
    lows, highs = [one.lo for one in known], [one.hi for one in known]
    if not known:
        return None
    return Interval(
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )


def _durations(dosages: Iterable[Resource]) -> Iterator[Interval]:
    """As coded: ``timing.repeat.duration``, with its maximum."""
    for dosage in dosages:
        repeat = at(dosage, "timing", "repeat")
        factor = _MINUTES.get(text_at(repeat, "durationUnit").casefold())
        low, high = number_of(at(repeat, "duration")), number_of(at(repeat, "durationMax"))
        if factor and low is not None and low > 0:
            most = high if high is not None and high > low else low
            yield Interval(Fraction(low) * factor, Fraction(most) * factor)


def _worded_durations(texts: Iterable[str]) -> Iterator[Interval]:
    for text in texts:
        if not may_hold(text, "over", "infusion"):
            continue
        for found in (*_OVER.finditer(text), *_LONG.finditer(text)):
            groups = found.groupdict()
            factor = _MINUTES[found["unit"].casefold()]
            low = _number(found["number"]) * factor
            if more := groups.get("more"):
                low += int(more)
            high = _number(groups["to"]) * factor if groups.get("to") else low
            if 0 < low <= high:
                yield Interval(low, high)


def _number(text: str) -> Fraction:
    return _WORDS.get(text.casefold()) or Fraction(Decimal(text)) if text else Fraction(0)


def _amount(quantity: object, factors: dict[str, Fraction]) -> Fraction | None:
    """A positive quantity in the unit the factors lead to."""
    number = number_of(at(quantity, "value"))
    units = (text_at(quantity, "code"), text_at(quantity, "unit"))
    factor = next((factors[unit.casefold()] for unit in units if unit.casefold() in factors), None)
    if number is None or factor is None or number <= 0:
        return None
    return Fraction(number) * factor


def _volumes(texts: Iterable[str]) -> Iterator[Interval]:
    """A volume that the words call that of the bag; a dose in mL is that of the vial."""
    for text in texts:
        if not may_hold(text, "ml"):
            continue
        for phrase in _IN_A_BAG.finditer(text):
            for found in _VOLUME.finditer(text, phrase.start(), min(phrase.end() + 3, len(text))):
                yield Interval.exactly(_number(found["number"]))


def _ingredient_volumes(found: Found, material: Material) -> Iterator[Interval]:
    """The volume of the diluents in the bag."""
    target = material.library.resolve(found.resource.get("medicationReference"), found)
    volumes = [
        volume
        for ingredient in each(target.resource if target else None, "ingredient")
        if (volume := _amount(at(ingredient, "strength", "numerator"), _MILLILITRES))
    ]
    if volumes:
        yield Interval.exactly(sum(volumes, Fraction(0)))


def _by_rate(
    dosages: Iterable[Resource],
    texts: Iterable[str],
    volume: Interval | None,
    dose: Measured | None,
) -> Iterator[Interval]:
    """The time a known volume takes at a rate, or a known dose at a rate in mg."""
    for dosage in dosages:
        for rated in each(dosage, "doseAndRate"):
            rate = _rate(rated.get("rateQuantity")) or _ratio(rated.get("rateRatio"), _MILLILITRES)
            if rate and volume:
                yield volume.scaled(1 / rate)
            in_mg = _ratio(rated.get("rateRatio"), {"mg": Fraction(1)})
            if in_mg and dose and dose.unit == "mg":
                yield dose.value.scaled(1 / in_mg)
    for text in texts:
        if not (volume and may_hold(text, "ml")):
            continue
        for found in _RATE.finditer(text):
            per_hour = _number(found["number"])
            if per_hour > 0:
                yield volume.scaled(60 / per_hour)


def _rate(quantity: object) -> Fraction | None:
    """Millilitres per minute of a quantity in mL/h, mL/min or L/h."""
    unit = text_at(quantity, "code") or text_at(quantity, "unit")
    volume, _, time = unit.casefold().replace(" ", "").partition("/")
    number = number_of(at(quantity, "value"))
    if number is None or number <= 0 or volume not in _MILLILITRES or time not in _MINUTES:
        return None
    return Fraction(number) * _MILLILITRES[volume] / _MINUTES[time]


def _ratio(ratio: object, factors: dict[str, Fraction]) -> Fraction | None:
    """An amount per minute."""
    amount = _amount(at(ratio, "numerator"), factors)
    minutes = _amount(at(ratio, "denominator"), _MINUTES)
    return amount / minutes if amount and minutes else None


def _diluents(
    parts: Iterable[Resolution], texts: Iterable[str], material: Material
) -> frozenset[str]:
    """The diluents among the ingredients, and those the words name."""
    known = material.terminology.substances_in(DILUENTS)
    found = [part.substances for part in parts] + [_named(text, material) for text in texts]
    return frozenset[str]().union(*found) & known


def _mixed(parts: Iterable[Resolution], texts: Iterable[str], material: Material) -> frozenset[str]:
    """The active ingredients of a bag that holds several, and drugs it is said to run with."""
    diluents = material.terminology.substances_in(DILUENTS)
    active = [part.substances - diluents for part in parts if part.substances - diluents]
    together = frozenset[str]().union(*active) if len(set(active)) > 1 else frozenset[str]()
    said = [
        _named(text[found.end() :], material) - diluents
        for text in texts
        if (found := _MIXED.search(text))
    ]
    return together.union(*said)


def _named(text: str, material: Material) -> frozenset[str]:
    return material.terminology.resolve_drug((), text).substances
