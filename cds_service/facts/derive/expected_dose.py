"""The labelled dose of a place in the course, as far as that place and the response are known."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.interval import Interval
from cds_service.facts.regimen import CyclePlan, Regimen
from cds_service.facts.unknown import Unknown

FIRST, IN_REMISSION, WITHOUT = "first", "later-in-remission", "later-without-remission"
_LATER = (IN_REMISSION, WITHOUT)


@cheap_dataclass(frozen=True, slots=True)
class Expected:
    """The labelled doses in mg/m2, one set for each place the dose may have in the course.

    A set of several: the response, which decides between them, is not known. ``others`` are the
    levels that the label gives to this day under the other response.
    """

    places: tuple[frozenset[Fraction], ...]
    others: frozenset[Fraction] = frozenset()

    @property
    def levels(self) -> tuple[Fraction, ...]:
        """All of them in order."""
        return tuple(sorted({level for place in self.places for level in place}))

    def deviation(self, amount: Interval) -> Interval | None:
        """Percent by which an amount in mg/m2 differs from the nearest labelled dose.

        None when the amount has no bounds. An interval when the place is not known.
        """
        if amount.lo is None or amount.hi is None:
            return None
        found = [
            _nearest(bound, place) for place in self.places for bound in (amount.lo, amount.hi)
        ]
        return Interval(min(found), max(found))


def expected_dose(
    regimen: Regimen,
    cycle: Interval | Unknown,
    day: int | None,
    remission: bool | Unknown | None,
) -> Expected:
    """What the regimen gives on a day of a cycle; ``day`` is None when it is not known."""
    sorts = _sorts(cycle, remission)
    places = tuple(
        frozenset(_dose_of(regimen.cycles[sort], opens) for sort in one)
        for one in sorts
        for opens in ((day == 1,) if day else (True, False))
    )
    opens_later = day == 1 and sorts == (tuple(_sorts_later(remission)),)
    others = frozenset(_dose_of(regimen.cycles[sort], True) for sort in _LATER if opens_later)
    return Expected(tuple(dict.fromkeys(places)), others.difference(*places))


def _sorts(
    cycle: Interval | Unknown, remission: bool | Unknown | None
) -> tuple[tuple[str, ...], ...]:
    later = tuple(_sorts_later(remission))
    if isinstance(cycle, Unknown):
        return (FIRST,), later
    return (later,) if cycle.compare("gt", Fraction(1)) else ((FIRST,),)


def _sorts_later(remission: bool | Unknown | None) -> Iterable[str]:
    if isinstance(remission, bool):
        return (IN_REMISSION if remission else WITHOUT,)
    return _LATER


def _dose_of(plan: CyclePlan, opens: bool) -> Fraction:
    """The dose of day 1, or of the next day of the plan: the later ones are alike."""
    return plan.doses[0 if opens else 1].amount.value


def _nearest(amount: Fraction, place: Iterable[Fraction]) -> Fraction:
    deviations = ((amount / level - 1) * 100 for level in place)
    return min(deviations, key=lambda each: (abs(each), each))
