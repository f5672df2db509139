"""What one run can tell on any machine, however busy: whether a call costs much more than it did.

Functions called are counted, which is the same on every machine. Processor time is only compared
with that of the bare endpoint in the same process, the best of many turns of both, and with a
margin so wide that nothing but a blunder exceeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from benchmarks.bare import bare_app
from benchmarks.chart import order_sign_call
from benchmarks.copies import with_copies
from benchmarks.in_process import caller
from benchmarks.phases import counted, cpu_milliseconds
from benchmarks.seams import Following, expect_all, observed
from cds_service.rulebook.model import Status
from cds_service.web.parts import EXTENSION

TURNS = 30
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One figure and the most it may be."""

    what: str
    measured: float
    most: float

    @property
    def is_within(self) -> bool:
        """Whether it is no more than it may be."""
        return self.measured <= self.most

    def __str__(self) -> str:
        said = "" if self.is_within else "  TOO MUCH"
        return f"{self.what:46} {self.measured:12,.2f}   at most {self.most:10,.2f}{said}"


def rows(app: Flask, now: datetime) -> Sequence[Row]:
    """Every figure of this service, whose clock stands at ``now``.

    Raises:
        LookupError: when a phase of `benchmarks.seams` cannot be found any more.
    """
    call = _warm(caller(app.wsgi_app, order_sign_call(now)))
    with observed(Following()) as called:
        call()
    expect_all(called)
    functions = counted(call)
    longer = counted(_warm(caller(app.wsgi_app, order_sign_call(now, times=16))))
    more_rules, more_cards = _with_rules(app, now, "shadow"), _with_rules(app, now, "active")
    return (
        Row("functions called in one call", functions, 19_500),
        Row("the same for a chart 16 times as long, ratio", longer / functions, 6),
        Row("the same for 4 times the rules, ratio", more_rules / functions, 1.4),
        Row("the same for 4 times rules and cards, ratio", more_cards / functions, 2.3),
        Row("processor time over the bare endpoint, ratio", _ratio(call, now), 12),
    )


def _with_rules(app: Flask, now: datetime, status: Status) -> int:
    """Functions called when there are four times the rules."""
    parts = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = with_copies(parts, 4, status)
    try:
        return counted(_warm(caller(app.wsgi_app, order_sign_call(now))))
    finally:
        app.extensions[EXTENSION] = parts


def _ratio(call: Callable[[], bytes], now: datetime) -> float:
    """The least processor time of a call over the least of a bare one, in turn."""
    bare = _warm(caller(bare_app().wsgi_app, order_sign_call(now)))
    took = [(cpu_milliseconds(call), cpu_milliseconds(bare)) for _ in range(TURNS)]
    return min(ours for ours, _ in took) / min(theirs for _, theirs in took)


def _warm(call: Callable[[], bytes]) -> Callable[[], bytes]:
    for _ in range(WARM_UP):
        call()
    return call
