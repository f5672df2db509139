"""Where one phase of a call ends and the next begins: the functions that are the phases.

A function that was renamed, or is not called any more, makes measuring fail and not forget it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from importlib import import_module
from typing import Any, Protocol
from unittest.mock import patch

REST = "Flask, log line, metrics"

SEAMS = (
    ("parse", "cds_service.web.body", "parse"),
    ("schema", "cds_service.web.hooks", "hook_call"),
    ("fetch", "cds_service.decide", "_completed"),
    ("select and read", "cds_service.decide", "read_chart"),
    ("derive", "cds_service.facts.derive", "Answered.__missing__"),
    ("match, plain", "cds_service.decide", "judge_briefly"),
    ("match, durable-rules", "cds_service.engine.judge", "_opinion"),
    ("render", "cds_service.decide", "render_cards"),
    ("quiet", "cds_service.decide", "earlier_answers"),
    ("quiet", "cds_service.decide", "quieten"),
    ("record", "cds_service.decide", "_record"),
    ("record", "cds_service.store.card_log", "DatabaseLog.record"),
    ("write", "cds_service.web.hooks", "as_sent"),
    ("write", "cds_service.web.hooks", "json_answer"),
)
"""Phase, module and function. A phase within another is not counted in the outer one."""

PHASES = tuple(dict.fromkeys(phase for phase, _, _ in SEAMS))


class Observer(Protocol):
    """Is told when a phase begins and ends; phases may lie within each other."""

    def enter(self, phase: str) -> None:
        """A phase begins, within the one that was going on."""

    def leave(self) -> None:
        """It ends, and the one around it goes on."""


class Following:
    """Knows which phase goes on; does nothing else, and does it at each border between two."""

    def __init__(self, begin: str = REST) -> None:
        """``begin``: what goes on before the first phase."""
        self._phases = [begin]

    @property
    def phase(self) -> str:
        """The innermost phase that goes on."""
        return self._phases[-1]

    def enter(self, phase: str) -> None:
        """A phase begins, within the one that was going on."""
        self.at_border()
        self._phases.append(phase)

    def leave(self) -> None:
        """It ends, and the one around it goes on."""
        self.at_border()
        self._phases.pop()

    def at_border(self) -> None:
        """``phase`` is about to change."""


@contextmanager
def observed(observer: Observer) -> Iterator[set[str]]:
    """Tell the observer of every phase; gives the seams that were called, as they are.

    Raises:
        LookupError: when a seam is gone.
    """
    called: set[str] = set()
    with ExitStack() as patches:
        for phase, module, path in SEAMS:
            owner, name = _place(module, path)
            seam = f"{module}.{path}"
            told = _telling(getattr(owner, name), phase, seam, observer, called)
            patches.enter_context(patch.object(owner, name, told))
        yield called


def expect_all(called: set[str]) -> None:
    """Every phase that is to be measured was met.

    Raises:
        LookupError: when some function was never called.
    """
    missed = {f"{module}.{path}" for _, module, path in SEAMS} - called
    if missed:
        raise LookupError(f"no call goes through {sorted(missed)} any more: see {__name__}")


def _place(module: str, path: str) -> tuple[Any, str]:
    *owners, name = path.split(".")
    place: Any = import_module(module)
    for each in (*owners, name):
        if not hasattr(place, each):
            raise LookupError(f"{module}.{path} is gone: see {__name__}")
        owner, place = place, getattr(place, each)
    return owner, name


def _telling(
    function: Callable[..., Any], phase: str, seam: str, observer: Observer, called: set[str]
) -> Callable[..., Any]:
    enter, leave = observer.enter, observer.leave

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        called.add(seam)
        enter(phase)
        try:
            return function(*args, **kwargs)
        finally:
            leave()

    return told
