"""How the time of a call grows with the rulebook and with the chart.

Rules are doubled as renamed copies. A copy asks the questions of its original, and a question is
answered once for all rules that ask it; what grows is judging. Charts are made longer in time, as
a longer illness makes them: more results, orders and diagnoses, older and older.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

from benchmarks.chart import SERVICE, order_sign_call
from cds_service.app import join_parts
from cds_service.clients import SANDBOX
from cds_service.decide import Parts, decide, plan
from cds_service.engine.durable import DurableEngine
from cds_service.fhir.hook_call import HookCall
from cds_service.settings import Settings
from cds_service.strict_json import parse
from cds_service.web.call_schema import Caller, hook_call

RULES = (1, 2, 4)
CHARTS = (1, 4, 16)


def scale(calls: int = 60) -> None:
    """Print the median milliseconds of reading and judging a call, and the ratio to the first."""
    parts = join_parts(Settings())
    call = _call(parts, 1)
    print(f"rules: medians of {calls} calls in turn, HTTP and JSON left out")
    _table(
        {
            f"{times} x {len(parts.plans[SERVICE].rules)} rules": _decision(many, call)
            for times in RULES
            for many in [_with_copies(parts, times)]
        },
        calls,
    )
    print(f"chart: medians of {calls} calls in turn, HTTP and JSON left out")
    _table(
        {f"{times} x chart": _decision(parts, _call(parts, times)) for times in CHARTS},
        calls,
    )


def _call(parts: Parts, times: int) -> HookCall:
    service = parts.rulebook.service(SERVICE)
    assert service is not None
    return hook_call(parse(order_sign_call(times=times)), service, Caller(SANDBOX, "US"))


def _decision(parts: Parts, call: HookCall) -> Callable[[], object]:
    return lambda: decide(call, parts, "")


def _with_copies(parts: Parts, times: int) -> Parts:
    rules = {
        id_ if copy == 0 else f"{id_}-COPY-{copy}": rule
        if copy == 0
        else replace(rule, id=f"{id_}-COPY-{copy}")
        for copy in range(times)
        for id_, rule in parts.rulebook.rules.items()
    }
    rulebook = replace(parts.rulebook, rules=rules)
    plans = {each.id: plan(each.hook, rulebook, parts.terminology) for each in rulebook.services}
    engine = DurableEngine.of(each.rules for each in plans.values())
    engine.prove()
    return replace(parts, rulebook=rulebook, plans=plans, engine=engine)


def _table(runs: dict[str, Callable[[], object]], calls: int) -> None:
    """Every run in turn in every round, so that whatever slows the machine slows all of them."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(calls):
        for name, run in runs.items():
            start = perf_counter()
            run()
            took[name].append((perf_counter() - start) * 1000)
    first = None
    for name, times in took.items():
        middle = median(times[calls // 10 :])
        first = first or middle
        print(f"  {name:16} {middle:8.2f} ms  {middle / first:5.2f} x")
