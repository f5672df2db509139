"""The analytics: what was shown, overridden and not known, for those who look after the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from cds_service.store.counts import Statistics
from cds_service.store.port import StoreUnavailable
from cds_service.web.analytics_tables import NAMES, pieces, tables
from cds_service.web.date_range import DateRange, WrongDates, date_range, last_days
from cds_service.web.errors import CallError, Issue
from cds_service.web.page import page
from cds_service.web.parts import parts
from cds_service.web.tables import Table, as_csv

blueprint = Blueprint("analytics", __name__, url_prefix="/analytics")

MOST_ROWS = 20
"""So many rows of a table stand on the page; the CSV file has all."""

_FILE_ONLY = frozenset({"cards-by-day"})
_FOLDED = frozenset({"cards", "unknowns", "days"})
_SMALL = frozenset({"unknown-reasons", "answers", "services", "days"})
_PRESETS = (7, 30, 90)
_MOST_BARS = 92


@dataclass(frozen=True, slots=True)
class Totals:
    """The page's first sentence in numbers."""

    calls: int
    not_judged: int
    shown: int
    left_out: int
    accepted: int
    overridden: int

    @property
    def unanswered(self) -> int:
        """Cards shown that nobody told us anything about."""
        return self.shown - self.accepted - self.overridden


@dataclass(frozen=True, slots=True)
class Bars:
    """Calls over time as a picture: per bar all calls, and those of them that were not judged."""

    calls: tuple[int, ...]
    not_judged: tuple[int, ...]
    days_a_bar: int
    busiest: date
    most: int


@blueprint.get("")
def analytics() -> Response:
    """The numbers of a time, as ``?from=2026-11-01&to=2026-11-22`` says."""
    joined, today = parts(), parts().clock().date()
    asked = {name: request.args.get(name, "").strip() for name in ("from", "to")}
    try:
        chosen = date_range(asked, today)
    except WrongDates as wrong:
        return _page(HTTPStatus.BAD_REQUEST, today, asked=asked, problems=wrong.problems)
    asked = {"from": chosen.first.isoformat(), "to": chosen.last.isoformat()}
    try:
        found = joined.card_log.statistics(chosen.since, chosen.until)
    except StoreUnavailable as away:
        return _page(HTTPStatus.SERVICE_UNAVAILABLE, today, asked=asked, away=str(away))
    made = tables(found, chosen.days, joined.rulebook)
    return _page(
        HTTPStatus.OK,
        today,
        asked=asked,
        chosen=chosen,
        found=found,
        spooled=joined.card_log.spooled,
        totals=_totals(found),
        bars=_bars(made["days"]),
        tables=[made[name] for name in NAMES if name not in _FILE_ONLY],
    )


@blueprint.get("/<table>.csv")
def csv_file(table: str) -> Response:
    """All rows of one table, for a spreadsheet."""
    if table not in NAMES:
        abort(HTTPStatus.NOT_FOUND)
    joined = parts()
    try:
        chosen = date_range(request.args, joined.clock().date())
    except WrongDates as wrong:
        issues = [Issue("value", f"{name} {text}", name) for name, text in wrong.problems.items()]
        raise CallError(HTTPStatus.BAD_REQUEST, issues) from None
    found = joined.card_log.statistics(chosen.since, chosen.until)
    made = tables(found, chosen.days, joined.rulebook)[table]
    answer = Response(as_csv(made), content_type="text/csv; charset=utf-8; header=present")
    name = f"{table}-{chosen.first}-to-{chosen.last}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(
    status: HTTPStatus,
    today: date,
    *,
    asked: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
    away: str = "",
    chosen: DateRange | None = None,
    found: Statistics | None = None,
    spooled: int = 0,
    totals: Totals | None = None,
    bars: Bars | None = None,
    tables: Sequence[Table] = (),
) -> Response:
    answer = page(
        "analytics.html",
        root="",
        status=status,
        asked=asked,
        problems=problems or {},
        presets=[(days, last_days(days, today)) for days in _PRESETS],
        away=away,
        chosen=chosen,
        found=found,
        spooled=spooled,
        totals=totals,
        bars=bars,
        tables=tables,
        known_rules=parts().rulebook.rules.keys(),
        most_rows=MOST_ROWS,
        folded=_FOLDED,
        small=_SMALL,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _totals(found: Statistics) -> Totals:
    rules = found.by_rule()
    return Totals(
        calls=sum(each.calls for each in found.calls),
        not_judged=sum(each.calls for each in found.calls if each.status != HTTPStatus.OK),
        shown=sum(each.shown for each in rules),
        left_out=sum(each.left_out for each in rules),
        accepted=sum(each.accepted for each in rules),
        overridden=sum(each.overridden for each in rules),
    )


def _bars(by_day: Table) -> Bars:
    days, calls, not_judged, _ = zip(*reversed(by_day.rows), strict=True)
    most = max(calls)
    return Bars(
        calls=pieces(calls, _MOST_BARS),
        not_judged=pieces(not_judged, _MOST_BARS),
        days_a_bar=-(-len(days) // _MOST_BARS),
        busiest=days[calls.index(most)],
        most=most,
    )
