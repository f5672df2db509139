"""A result without limits borrows them from the newest near one of the same laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.dates import moment
from cds_service.facts.extract.borrowed import LENDING
from tests.fhir_builders import chart_of, observation

DAYS = ("2026-11-19", "2026-11-19T08:00:00Z", "2026-11-19T08:00:00+05:00", "2026-08-21",
        "2026-08-20", "2026-05-23", "2026-05-22", "2026-11", "2026-10", "2026", "2025",
        "0001-01-02", "9999-12-30", None)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """An ALT as it is sent."""

    at: str | None
    high: str | None
    laboratory: str


results = st.builds(
    Result,
    st.sampled_from(DAYS),
    st.sampled_from((None, "40", "50", "60")),
    st.sampled_from(("", "Organization/one", "Organization/one", "Organization/two")),
)


def newest_lender(borrower: Result, every: Sequence[Result]) -> Result | None:
    """The rule, looked up result by result."""
    found = None
    for other in every:
        if not (other.high and other.at and borrower.at and borrower.laboratory):
            continue
        apart = abs(moment(other.at).first - moment(borrower.at).first)
        if other.laboratory != borrower.laboratory or apart > LENDING:
            continue
        if found is None or newness(other) > newness(found):
            found = other
    return found


def newness(result: Result) -> tuple[int, float]:
    when = moment(result.at or "")
    return when.last.toordinal(), when.at.timestamp() if when.at else 0.0


@given(st.lists(results, max_size=12))
def test_everybody_borrows_from_whom_the_rule_names(every: list[Result]) -> None:
    sent = [
        observation(
            "alt",
            "30",
            "U/L",
            high=each.high,
            at=each.at,
            performer=[{"reference": each.laboratory}] if each.laboratory else None,
        )
        for each in every
    ]

    for each, read in zip(every, chart_of(*sent).labs, strict=True):
        lender = each if each.high else newest_lender(each, every)
        borrowed = lender is not None and lender is not each
        assert (read.uln.printed.partition(" ")[0] if read.uln else None) == (
            lender.high if lender else None
        )
        told = str(moment(lender.at)) if borrowed and lender and lender.at else ""
        assert read.uln_from == (f"range of {told}" if told else "")


def test_a_lender_may_lie_at_either_end_of_the_time() -> None:
    laboratory = [{"reference": "Organization/one"}]
    at = moment("2026-08-01").first
    for day in (at - LENDING, at + LENDING, at - LENDING - timedelta(days=1)):
        lender = observation("alt", "30", "U/L", high="50", at=str(day), performer=laboratory)
        mine = observation("alt", "30", "U/L", high=None, at=str(at), performer=laboratory)
        assert (chart_of(lender, mine).labs[1].uln is not None) == (abs(day - at) <= LENDING)
