"""``python -m benchmarks``: see ``docs/benchmarks.md``."""

from __future__ import annotations

import argparse

from benchmarks.memory import watch
from benchmarks.phases import profile
from benchmarks.scaling import scale
from benchmarks.speed import CALLS, ROUNDS, measure


def main() -> None:
    """Choose what to measure; without options, the speed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of the speed test")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls to each server per round")
    parser.add_argument("--memory", type=int, metavar="N", help="make N calls and watch memory")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--scaling", action="store_true", help="more rules, longer charts")
    chosen = parser.parse_args()
    if chosen.memory:
        watch(chosen.memory)
    elif chosen.profile:
        profile()
    elif chosen.scaling:
        scale()
    else:
        measure(chosen.rounds, chosen.calls)


if __name__ == "__main__":
    main()
