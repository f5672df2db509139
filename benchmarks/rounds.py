"""Rounds in which everything that is compared takes its turn: what slows the machine slows all."""

from __future__ import annotations

import gc
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import perf_counter
from typing import TypeVar

from benchmarks.client import Client

Name = TypeVar("Name", bound=Hashable)


def in_rounds(
    clients: Mapping[Name, Client], rounds: int, calls: int, warm_up: int
) -> dict[Name, list[list[float]]]:
    """Milliseconds of each call of each round, by the name of the client."""
    for client in clients.values():
        _timed(client, warm_up)
    took: dict[Name, list[list[float]]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, client in clients.items():
            took[name].append(_timed(client, calls))
    for client in clients.values():
        client.close()
    return took


def percentile(times: list[float], share: float) -> float:
    """The time that so large a share of the calls did not exceed (nearest rank)."""
    return sorted(times)[max(ceil(share * len(times)) - 1, 0)]


def _timed(client: Client, calls: int) -> list[float]:
    """On a connection opened anew and used once before."""
    client.renew()
    client()
    times = []
    with _without_collector():
        for _ in range(calls):
            start = perf_counter()
            client()
            times.append((perf_counter() - start) * 1000)
    return times


@contextmanager
def _without_collector() -> Iterator[None]:
    """The caller's own garbage collector would be measured as the server's tail."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
