"""Several blood counts together: low before treatment, fallen since the last cycle, recovered."""

from __future__ import annotations

from fractions import Fraction

from cds_service.facts.answers import Answer, Later, Question, Reading, Value
from cds_service.facts.cheap import cheap_dataclass
from cds_service.facts.derive.blood_count import before_treatment
from cds_service.facts.derive.counts import Count, Latest, before_dose, latest, limit_of
from cds_service.facts.derive.lab import period_of
from cds_service.facts.derive.transfused import transfusions
from cds_service.facts.derive.truths import either, negated
from cds_service.facts.derive.view import View, days, only, slug, slugs
from cds_service.facts.unknown import Reason, Unknown

_LIMITS = {"anc": "neutrophils_at_least", "platelets": "platelets_at_least"}


@cheap_dataclass(frozen=True, slots=True)
class Trend:
    """One analyte at the three days that matter, and its limit."""

    now: Latest
    prior: Count | Unknown
    before: Count | Unknown
    limit: Fraction

    @property
    def was_low(self) -> bool | Unknown:
        """Below its limit before treatment."""
        if isinstance(self.before, Unknown):
            return self.before
        low = self.before.below(self.limit)
        return Unknown(self.now.name, Reason.AMBIGUOUS, self.before.text) if low is None else low

    @property
    def has_fallen(self) -> bool | Unknown:
        """Below what it was at the start of the cycle before."""
        return self.now.below_count(self.prior)


def answer(question: Question, view: View) -> Answer:
    """One reading about all of them."""
    trends = [_trend(question, view, analyte) for analyte in slugs(question, "analytes")]
    fields: dict[str, Value] = {
        "low_before_treatment": either(each.was_low for each in trends),
        "below_last_cycle": either(each.has_fallen for each in trends),
        "at_limits": negated(either(each.now.below(each.limit) for each in trends)),
    }
    counts = [each for trend in trends for each in (*trend.now.counts, trend.prior, trend.before)]
    sources = tuple(
        dict.fromkeys(each.one.result.source for each in counts if isinstance(each, Count))
    )
    return only(question, Reading(fields, Later(lambda: _shown(trends)), sources))


def _trend(question: Question, view: View, analyte: str) -> Trend:
    substance = slug(question, "substance")
    return Trend(
        latest(view, analyte, period_of(question), transfusions(question, view)),
        _at_last_cycle(question, view, analyte),
        before_treatment(view, analyte, substance),
        limit_of(question, _LIMITS[analyte]),
    )


def _at_last_cycle(question: Question, view: View, analyte: str) -> Count | Unknown:
    """The count at day 1 of the last cycle begun."""
    substance = slug(question, "substance")
    what = f"{view.name(analyte)} at the start of the last {view.name(substance)} cycle"
    gaps, begun = view.dose_gaps(substance, what), view.cycles(substance)
    if gaps or not begun:
        return gaps[0] if gaps else Unknown(what, Reason.NOT_FOUND, "no dose on file")
    found = before_dose(view, analyte, begun[-1].doses[0], days(question, "within"))
    if isinstance(found, Unknown):
        return Unknown(what, found.reason, found.detail, found.reference)
    return found


def _shown(trends: list[Trend]) -> dict[str, object]:
    """The count that fell comes first: a summary names it."""
    ordered = sorted(trends, key=lambda each: each.has_fallen is not True)
    items = [_item(each) for each in ordered if each.now.counts]
    first = items[0] if items else dict.fromkeys(_WORDS, "")
    name = str(first["name"])
    return {**first, "name": name[:1].upper() + name[1:], "items": items}


_WORDS = ("name", "text", "date", "prior_text", "prior_date", "before_text", "before_date")


def _item(trend: Trend) -> dict[str, object]:
    now = trend.now.counts[0]
    prior = trend.prior if isinstance(trend.prior, Count) else None
    before = trend.before if isinstance(trend.before, Count) else None
    return {
        "name": trend.now.name,
        "text": now.text,
        "date": now.day,
        "prior_text": prior.text if prior else "",
        "prior_date": prior.day if prior else "",
        "before_text": before.text if before else "",
        "before_date": before.day if before else "",
    }
