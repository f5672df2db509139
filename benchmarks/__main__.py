"""``python -m benchmarks``: see ``docs/performance.md``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks import card_logs, fhir_only, growth, latency, machine, memory, start, throughput
from benchmarks.goal import Goal
from benchmarks.instructions import instructions
from benchmarks.page import keep
from benchmarks.phases import profile
from benchmarks.tables import goals_table, growth_table, instructions_table, memory_table

ROUNDS = 7
FEWEST_ROUNDS = 5
"""A run of fewer is printed and not kept."""
FEWEST_CALLS = 100_000


def main() -> None:
    """Choose what to measure; without options, everything that was promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of each comparison")
    parser.add_argument("--memory", type=int, metavar="N", help="only memory, over N calls")
    parser.add_argument("--profile", action="store_true", help="only where the time goes")
    parser.add_argument(
        "--instructions",
        action="store_true",
        help="only what the processor does in each phase, counted by valgrind",
    )
    chosen = parser.parse_args()
    if chosen.profile:
        _print_phases(profile())
    elif chosen.instructions:
        _count()
    elif chosen.memory:
        _watch(chosen.memory)
    else:
        _bench(chosen.rounds)


def _bench(rounds: int) -> None:
    """Measure it all, print it, and keep it."""
    goals = [*latency.measure(rounds), *throughput.measure(rounds)]
    grown, curves = growth.measure(rounds)
    remembered, readings = memory.measure()
    goals += [
        *grown,
        *fhir_only.measure(rounds),
        *start.measure(rounds),
        *remembered,
        *card_logs.measure(rounds),
    ]
    result = _result(goals, rounds) | {
        "growth": {
            kind: {times: asdict(each) for times, each in curve.items()}
            for kind, curve in curves.items()
        },
        "phases": profile(),
        "memory": readings,
    }
    print(f"\n{goals_table(result)}\n\n{growth_table(result)}\n")
    _print_phases(result["phases"])
    if rounds >= FEWEST_ROUNDS:
        print(f"\nkept in {keep(result, 'bench')}")


def _count() -> None:
    result = _result([], 1) | {"instructions": instructions()}
    print(f"\n{instructions_table(result)}\n\nkept in {keep(result, 'instructions')}")


def _watch(calls: int) -> None:
    goals, readings = memory.measure(calls)
    result = _result(goals, 1) | {"memory": readings}
    print(f"\n{goals_table(result)}\n\n{memory_table(result)}")
    if calls >= FEWEST_CALLS:
        print(f"\nkept in {keep(result, 'memory')}")


def _result(goals: Sequence[Goal], rounds: int) -> dict[str, Any]:
    return machine.described() | {"rounds": rounds, "goals": [each.as_json() for each in goals]}


def _print_phases(phases: Any) -> None:
    for phase, each in phases.items():
        print(
            f"  {phase:26} {each['cpu_ms']:6.2f} ms of processor {each['wall_ms']:6.2f} ms "
            f"{each['calls']:8,.0f} functions called"
        )


if __name__ == "__main__":
    main()
