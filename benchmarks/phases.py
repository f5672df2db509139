"""Where the time of a hook call goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.chart import order_sign_call
from benchmarks.servers import PATH
from cds_service import decide
from cds_service.app import create_app
from cds_service.engine import judge

PHASES = {
    "read the chart": (decide, "read_chart"),
    "answer questions": (decide, "answer_all"),
    "judge the rules": (decide, "judge"),
    "render the cards": (decide, "render_cards"),
}
PART_OF_JUDGING = {
    "of it durable-rules": (judge, "_findings"),
}
REST = "HTTP, JSON, schemas"


def profile(calls: int = 200) -> None:
    """Make calls within this process and print the median milliseconds of each phase."""
    took: dict[str, list[float]] = {}
    for name, (module, function) in (PHASES | PART_OF_JUDGING).items():
        setattr(module, function, _timed(getattr(module, function), took.setdefault(name, [])))
    client = create_app().test_client()
    body = order_sign_call()
    whole: list[float] = []
    call = _timed(lambda: client.post(PATH, data=body, content_type="application/json"), whole)
    for _ in range(calls):
        if call().status_code != 200:
            raise SystemExit("the call was not answered with 200")
    medians = {name: median(times[calls // 10 :]) for name, times in took.items()}
    total = median(whole[calls // 10 :])
    rest = total - sum(medians[name] for name in PHASES)
    print(f"median of {calls} calls within one process: {total:.2f} ms")
    for name, milliseconds in {REST: rest, **medians}.items():
        print(f"  {name:20} {milliseconds:6.2f} ms  {milliseconds / total:4.0%}")


def _timed(function: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            times.append((perf_counter() - start) * 1000)

    return timed
