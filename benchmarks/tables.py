"""A result, as kept in JSON, told in tables of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.budget import BUDGET
from benchmarks.instructions import BARE
from benchmarks.phases import WHOLE

Result = Mapping[str, Any]


def told(result: Result) -> str:
    """When, where and how it was measured."""
    machine = result["machine"]
    return (
        f"Commit {result['commit']}, {result['date']}, `{result['command']}`, "
        f"{result['rounds']} rounds: {machine['cores']} cores of {machine['cpu']}, "
        f"Python {machine['python']}, {machine['system']}."
    )


def goals_table(result: Result, before: Result | None = None) -> str:
    """Each promise, what was measured, and whether it was kept; beside it what was before."""
    then = {goal["what"]: goal for goal in before["goals"]} if before else {}
    rows = [
        [
            goal["what"],
            _limit(goal),
            *([_median(then.get(goal["what"]))] if before else []),
            _measured(goal),
            _medians(goal),
            _verdict(goal),
        ]
        for goal in result["goals"]
    ]
    heads = ["what", "goal", *(["before"] if before else []), "now, median (least to most)"]
    return _table([*heads, "medians behind it", ""], rows)


def growth_table(result: Result) -> str:
    """Milliseconds of a whole call, by how long the chart and how large the rulebook is."""
    curves: Mapping[str, Mapping[str, Mapping[str, float]]] = result["growth"]
    names = list(dict.fromkeys(times for curve in curves.values() for times in curve))
    rows = [[kind, *(_grown(curve, times) for times in names)] for kind, curve in curves.items()]
    return _table(["p50 in ms", *names], rows)


def phases_table(result: Result, before: Result) -> str:
    """Each phase: what it cost before, may cost and costs, and how many functions it calls."""
    bare = _bare(result)
    budget = BUDGET | {WHOLE: sum(BUDGET.values())}
    rows = []
    for phase, now in result["phases"].items():
        then = before["phases"][phase]
        rows.append(
            [
                phase,
                f"{then['cpu_ms']:.2f}",
                f"{budget[phase]:.2f}",
                f"{now['cpu_ms']:.2f}",
                f"{now['wall_ms']:.2f}",
                f"{now['cpu_ms'] / bare:.0%}",
                f"{then['calls']:,.0f}",
                f"{now['calls']:,.0f}",
            ]
        )
    heads = ["phase", "before", "budget", "now", "now, wall", "of a bare call"]
    return _table([*heads, "functions called before", "now"], rows)


def instructions_table(result: Result) -> str:
    """What the processor does in each phase: thousands of instructions, and misses of caches."""
    bare = result["instructions"][BARE]["instructions"]
    rows = [
        [
            phase,
            f"{each['instructions'] / 1000:,.0f}",
            f"{each['instructions'] / bare:.0%}",
            f"{each['l1_misses']:,}",
            f"{each['l2_misses']:,}",
        ]
        for phase, each in result["instructions"].items()
    ]
    heads = ["phase", "thousand instructions", "of a bare call"]
    return _table([*heads, "misses of the first caches", "of the second"], rows)


def memory_table(result: Result) -> str:
    """Resident memory on the way, in about ten steps."""
    readings: Mapping[str, float] = result["memory"]
    every = max(len(readings) // 10, 1)
    some = list(readings.items())[every - 1 :: every]
    heads = ["calls", *(f"{int(calls):,}" for calls, _ in some)]
    return _table(heads, [["MB", *(f"{read:.1f}" for _, read in some)]])


def _bare(result: Result) -> float:
    """Milliseconds of the bare endpoint over HTTP."""
    first = next(goal for goal in result["goals"] if "bare ms" in goal["medians"])
    bare: float = first["medians"]["bare ms"]["median"]
    return bare


def _limit(goal: Result) -> str:
    return f"{'≥' if goal['least'] else '≤'} {goal['limit']:.3g} {goal['unit']}"


def _measured(goal: Result) -> str:
    return _spread(goal["measured"]) if goal["measured"] else "not measured"


def _median(goal: Result | None) -> str:
    return _number(goal["measured"]["median"]) if goal and goal["measured"] else ""


def _medians(goal: Result) -> str:
    return "; ".join(f"{name} {_spread(each)}" for name, each in goal["medians"].items())


def _verdict(goal: Result) -> str:
    if goal["met"] is None:
        return f"skipped: {goal['skipped']}"
    return "met" if goal["met"] else "**not met**"


def _spread(spread: Mapping[str, float]) -> str:
    low, high = _number(spread["low"]), _number(spread["high"])
    return f"{_number(spread['median'])} ({low} to {high})"


def _grown(curve: Mapping[str, Mapping[str, float]], times: str) -> str:
    if times not in curve:
        return ""
    first = next(iter(curve.values()))["median"]
    return f"{curve[times]['median']:.1f} ({curve[times]['median'] / first:.2f} ×)"


def _number(value: float) -> str:
    """Three figures that matter, and no more than four decimals."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:#.3g}".rstrip(".")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
