"""What an operator watches, as Prometheus reads it. No label holds anything about a patient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

_BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry or CollectorRegistry()
        self._calls = self._counter("calls", "Answered requests", "service", "status")
        self._phases = Histogram(
            "cds_phase_seconds",
            "Time per phase of a hook call",
            ("phase",),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._cards = self._counter("cards", "Cards in answers", "rule", "indicator", "shown")
        self._unknowns = self._counter("unknowns", "Things not known, by reason", "reason")
        self._disagreements = self._counter("engine_disagreements", "Engines disagreed", "rule")
        self._failures = self._counter("engine_failures", "The engine did not finish")
        self._fhir = self._counter("fhir_fetches", "Searches and reads on FHIR servers", "result")
        self._feedback = self._counter("feedback", "Feedback kept, by outcome", "outcome")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cds_{name}", meaning, labels, registry=self._registry)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase of a hook call."""
        begun = perf_counter()
        try:
            yield
        finally:
            self._phases.labels(name).observe(perf_counter() - begun)

    def call(self, service_id: str, status: int) -> None:
        """Count an answer of a service we have."""
        self._calls.labels(service_id, str(status)).inc()

    def card(self, rule: str, indicator: str, shown: str) -> None:
        """Count a card; ``shown`` says whether an earlier answer softened it or left it out."""
        self._cards.labels(rule, indicator, shown).inc()

    def unknown(self, reason: str) -> None:
        """Count something that was not known."""
        self._unknowns.labels(reason).inc()

    def disagreement(self, rule: str) -> None:
        """Count a rule that the evaluators judged differently."""
        self._disagreements.labels(rule).inc()

    def engine_failure(self) -> None:
        """Count a call the engine did not finish."""
        self._failures.inc()

    def fetch(self, result: str) -> None:
        """Count a search or read on a FHIR server: ``answered`` or how it failed."""
        self._fhir.labels(result).inc()

    def feedback(self, outcome: str) -> None:
        """Count one item of feedback that was kept."""
        self._feedback.labels(outcome).inc()

    def page(self) -> bytes:
        """Everything, as Prometheus text."""
        return generate_latest(self._registry)
