"""How much longer a hook call takes than merely receiving and parsing it."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from statistics import median, quantiles
from time import perf_counter

from benchmarks.chart import order_sign_call
from benchmarks.servers import post, running

WARM_UP = 50
ROUNDS = 20
CALLS = 25


def measure(rounds: int = ROUNDS, calls: int = CALLS) -> None:
    """Call both servers in turn, one call at a time, and print medians and their ratio.

    The rounds are interleaved, so that a busy machine slows both alike.
    """
    body = order_sign_call()
    with running("bare") as bare, running("full") as full:
        ends = {"bare": bare.connection(), "full": full.connection()}
        answers = {name: [post(end, body) for _ in range(WARM_UP)] for name, end in ends.items()}
        took: dict[str, list[float]] = {name: [] for name in ends}
        ratios = []
        for _ in range(rounds):
            times = {name: _timed(end, body, calls) for name, end in ends.items()}
            ratios.append(median(times["full"]) / median(times["bare"]))
            for name, each in times.items():
                took[name].extend(each)
    cards = len(json.loads(answers["full"][-1])["cards"])
    print(f"one call of {len(body) / 1000:.0f} kB, answered with {cards} cards, one at a time")
    for name, times in took.items():
        print(f"  {name:5} median {median(times):6.2f} ms, 95 % within {_most(times):6.2f} ms")
    print(f"  ratio of medians {median(took['full']) / median(took['bare']):.1f}", end=" ")
    print(f"(rounds: {min(ratios):.1f} to {max(ratios):.1f})")


def _timed(connection: HTTPConnection, body: bytes, calls: int) -> list[float]:
    """Milliseconds of each call, on a connection opened anew and used once before.

    While the other server was called, this one may have closed the idle connection.
    """
    connection.close()
    post(connection, body)
    times = []
    for _ in range(calls):
        start = perf_counter()
        post(connection, body)
        times.append((perf_counter() - start) * 1000)
    return times


def _most(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]
