"""What an operator watches, as Prometheus reads it. No label holds anything that a caller sent.

Several workers add up: each counts in files of its own in the folder that `SHARED_FOLDER` named
when the library was first imported, and whoever is asked sums all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the library knows where the workers of a server add up."""

_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is looked up when somebody asks, because it is not counted.

    ``build`` are the labels of the info metric. ``spooled`` counts records that wait for the
    database, ``set_aside`` those it refused for good.
    """

    build: dict[str, str]
    is_ready: bool
    is_store_ready: bool
    spooled: int
    set_aside: int


class Metrics:
    """The counters of one process, or of all workers of a server together."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter(
            "requests", "Answers, by address and status", "route", "method", "status"
        )
        self._seconds = self._histogram(
            "request_seconds", "Time from the head of a request to its answer", "route"
        )
        self._calls = self._counter("calls", "Hook calls answered", "service", "status")
        self._phases = self._histogram("phase_seconds", "Time per phase of a hook call", "phase")
        self._cards = self._counter("cards", "Cards decided", "rule", "indicator", "shown_as")
        self._unknowns = self._counter("unknowns", "Things not known, by reason", "reason")
        self._disagreements = self._counter("engine_disagreements", "Engines disagreed", "rule")
        self._failures = Counter(
            "cds_engine_failures", "The engine did not finish", registry=self._registry
        )
        self._fhir = self._counter("fhir_fetches", "Prefetch keys fetched over FHIR", "result")
        self._refusals = self._counter("refusals", "Callers refused, by reason", "reason")
        self._feedback = self._counter("feedback", "Feedback kept, by outcome", "outcome")
        self._workers = Gauge(
            "cds_workers",
            "Worker processes that serve",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Callable[..., Counter]:
        """A counter by its labels. The library takes long to find one of its few series again."""
        return cache(Counter(f"cds_{name}", meaning, labels, registry=self._registry).labels)

    def _histogram(self, name: str, meaning: str, label: str) -> Callable[[str], Histogram]:
        """A histogram by its label, found again as fast."""
        found = Histogram(
            f"cds_{name}", meaning, [label], registry=self._registry, buckets=_BUCKETS
        )
        return cache(found.labels)

    def phase(self, name: str) -> AbstractContextManager[object]:
        """Measure a phase of a hook call."""
        return self._phases(name).time()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answer; ``route`` is the pattern of its address, never the address."""
        self._requests(route, method, str(status)).inc()
        self._seconds(route).observe(seconds)

    def call(self, service_id: str, status: int) -> None:
        """Count the answer to a hook call of a service we have."""
        self._calls(service_id, str(status)).inc()

    def card(self, rule: str, indicator: str, shown_as: str) -> None:
        """Count a card; ``shown_as``: whether an earlier answer softened it or left it out."""
        self._cards(rule, indicator, shown_as).inc()

    def unknown(self, reason: str, times: int = 1) -> None:
        """Count things that were not known for the same reason."""
        self._unknowns(reason).inc(times)

    def disagreement(self, rule: str) -> None:
        """Count a rule that the evaluators judged differently."""
        self._disagreements(rule).inc()

    def engine_failure(self) -> None:
        """Count a call the engine did not finish."""
        self._failures.inc()

    def fetch(self, result: str) -> None:
        """Count a prefetch key that was fetched: ``answered`` or how it failed."""
        self._fhir(result).inc()

    def refusal(self, reason: str) -> None:
        """Count a caller who was refused; ``reason`` is one of our own words for it."""
        self._refusals(reason).inc()

    def feedback(self, outcome: str) -> None:
        """Count one item of feedback that was kept."""
        self._feedback(outcome).inc()

    def worker_started(self) -> None:
        """This process serves now."""
        self._workers.set(1)

    def worker_ended(self, pid: int) -> None:
        """A worker is gone. What it counted stays counted."""
        if os.environ.get(SHARED_FOLDER):
            mark_process_dead(pid)  # type: ignore[no-untyped-call] # The library forgot its types.

    def page(self, standing: Standing) -> bytes:
        """Everything, as Prometheus text (version 0.0.4)."""
        counted = self._registry
        if folder := os.environ.get(SHARED_FOLDER):
            counted = CollectorRegistry()
            MultiProcessCollector(counted, folder)  # type: ignore[no-untyped-call] # As above.
        return generate_latest(counted) + generate_latest(_Looked(standing))


class _Looked(Collector):
    """The standing as metrics; nobody sums them, so they live in no registry."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        """One gauge per line of the standing."""
        standing = self._standing
        build = GaugeMetricFamily(
            "cds_build_info", "Version and rulebook that serve", labels=list(standing.build)
        )
        build.add_metric(list(standing.build.values()), 1)
        yield build
        for name, meaning, value in (
            ("ready", "Whether calls can be judged and kept", standing.is_ready),
            ("store_ready", "Whether the store can be used", standing.is_store_ready),
            ("spool_records", "Records that wait for the database", standing.spooled),
            ("refused_records", "Records that the database refused", standing.set_aside),
        ):
            yield GaugeMetricFamily(f"cds_{name}", meaning, value)
