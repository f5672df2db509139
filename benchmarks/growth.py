"""How the time of a call grows with the chart and with the rulebook.

Charts are made longer in time, as a longer illness makes them: more results, orders and diagnoses,
older and older. Rules are doubled as renamed copies, which fire, or cannot be judged, together with
their originals. Copies in shadow are judged and show nothing, as in a large rulebook most rules are
about something else; active copies show their cards, so that four times the rules give four times
the cards.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import ExitStack
from statistics import median
from typing import TypeVar

from benchmarks.chart import order_sign_call
from benchmarks.client import Client
from benchmarks.goal import Goal, Spread
from benchmarks.rounds import in_rounds
from benchmarks.servers import running

CHARTS = (1, 2, 4, 8, 16)
RULES = (1, 2, 4)
STATUS_OF_COPIES = {"rules": "shadow", "rules and cards": "active"}
CALLS = 25
WARM_UP = 10

Name = TypeVar("Name", bound=Hashable)


def measure(rounds: int, calls: int = CALLS) -> tuple[list[Goal], dict[str, dict[str, Spread]]]:
    """The goals, and the milliseconds of a call by how long the chart or the rulebook is.

    Whole calls over HTTP, one at a time.
    """
    curves = {"chart": _charts(rounds, calls)} | _rules(rounds, calls)
    goals = [
        _goal("a chart 16 times as long", 8, curves["chart"], 16),
        _goal("4 times the rules", 1.5, curves["rules"], 4),
        _goal("4 times the rules and the cards", 1.5, curves["rules and cards"], 4),
    ]
    return goals, {
        kind: {_times(many): Spread.of(each) for many, each in took.items()}
        for kind, took in curves.items()
    }


def _charts(rounds: int, calls: int) -> dict[int, list[float]]:
    with running("full") as server:
        clients = {many: Client(server.port, order_sign_call(times=many)) for many in CHARTS}
        return _medians(clients, rounds, calls)


def _rules(rounds: int, calls: int) -> dict[str, dict[int, list[float]]]:
    body = order_sign_call()
    with ExitStack() as servers:
        clients = {
            (status, many): Client(servers.enter_context(running(status, str(many))).port, body)
            for status in STATUS_OF_COPIES.values()
            for many in RULES
        }
        took = _medians(clients, rounds, calls)
    return {
        kind: {many: took[status, many] for many in RULES}
        for kind, status in STATUS_OF_COPIES.items()
    }


def _medians(clients: Mapping[Name, Client], rounds: int, calls: int) -> dict[Name, list[float]]:
    took = in_rounds(clients, rounds, calls, WARM_UP)
    return {name: [median(times) for times in each] for name, each in took.items()}


def _goal(what: str, limit: float, took: dict[int, list[float]], most: int) -> Goal:
    medians = {f"{_times(many)} ms": Spread.of(took[many]) for many in (1, most)}
    return Goal(what, limit, "× the time", Spread.of_ratios(took[most], took[1]), medians)


def _times(many: int) -> str:
    return f"{many} ×"
