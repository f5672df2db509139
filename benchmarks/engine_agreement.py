"""The long run of the suite's property: random rules times random answers, both evaluators agree.

``python -m benchmarks.engine_agreement --examples 100000`` draws the same kinds of case as
``tests/test_engine_agreement.py`` (from ``tests/engine_cases.py``) and prints speed, memory and any
seed on which the evaluators differ. It ends with status 1 if there is one.
"""

from __future__ import annotations

import argparse
import resource
from random import Random
from time import perf_counter

from cds_service.engine.durable import DurableEngine
from cds_service.engine.port import Finding
from cds_service.engine.reference import judge_rule
from cds_service.engine.verdict import Answers
from cds_service.rulebook.model import Rule
from tests.engine_cases import random_answers, random_rules

RULES = 20


def main() -> int:
    """Run as many examples as asked; each new rulebook judges a few hundred charts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--charts", type=int, default=200, help="charts per rulebook")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    differ, spent = 0, {"durable-rules": 0.0, "plain": 0.0}
    for seed in range(chosen.seed, chosen.seed + -(-chosen.examples // chosen.charts)):
        random = Random(seed)
        rules = random_rules(random, RULES)
        engine = DurableEngine.of([rules])
        for chart in range(chosen.charts):
            answers = random_answers(random)
            start = perf_counter()
            found = engine.findings(rules, answers)
            middle = perf_counter()
            plain = _plain(rules, answers)
            spent["durable-rules"] += middle - start
            spent["plain"] += perf_counter() - middle
            if found != plain:
                differ += 1
                print(f"seed {seed}, chart {chart}: {sorted(found ^ plain)}")
        if (seed - chosen.seed) % 50 == 0:
            print(f"  rulebook {seed}: {_peak_megabytes():.0f} MB at most", flush=True)
    examples = -(-chosen.examples // chosen.charts) * chosen.charts
    for name, seconds in spent.items():
        print(f"{name}: {seconds / examples * 1000:.2f} ms for {RULES} rules")
    print(f"{examples} examples, {differ} on which the evaluators differ")
    return 1 if differ else 0


def _plain(rules: tuple[Rule, ...], answers: Answers) -> frozenset[Finding]:
    return frozenset(
        Finding(rule.id, each.variant.name)
        for rule in rules
        for each in judge_rule(rule, answers).variants
        if each.outcome == "fires"
    )


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    raise SystemExit(main())
