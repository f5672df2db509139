"""Where the time of a hook call goes, phase by phase, and how many functions each phase calls.

``python -m benchmarks.phases CALLS`` measures in its own process, with card log and log lines as
the service has them, and prints JSON.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time
from types import FrameType

from benchmarks import seams
from benchmarks.chart import order_sign_call
from benchmarks.in_process import caller
from benchmarks.seams import PHASES, REST, Following, expect_all, observed
from cds_service import log
from cds_service.serve import folder_of_metrics
from cds_service.settings import Settings

CALLS = 400
WARM_UP = 20
WHOLE = "whole call"

_OURS = frozenset({__file__, seams.__file__})


class Stopwatch(Following):
    """Processor and wall seconds of each phase of each call, without what lies within it."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu: list[dict[str, float]] = []
        self.wall: list[dict[str, float]] = []

    def time(self, call: Callable[[], object]) -> None:
        """Make one call."""
        self.cpu.append(defaultdict(float))
        self.wall.append(defaultdict(float))
        self._cpu, self._wall = thread_time(), perf_counter()
        call()
        self.at_border()

    def at_border(self) -> None:
        """What passed since the last border went to the phase that ends here."""
        cpu, wall = thread_time(), perf_counter()
        self.cpu[-1][self.phase] += cpu - self._cpu
        self.wall[-1][self.phase] += wall - self._wall
        self._cpu, self._wall = cpu, wall


class Counting(Following):
    """How many functions, of Python or of C, each phase calls: the same on every machine."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    def watch(self, call: Callable[[], object]) -> None:
        """Count while calling; neither what measures nor the garbage collector counts."""
        gc.disable()
        sys.setprofile(self._count)
        try:
            call()
        finally:
            sys.setprofile(None)
            gc.enable()

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "c_call") and frame.f_code.co_filename not in _OURS:
            self.calls[self.phase] += 1


def counted(call: Callable[[], object]) -> int:
    """How many functions one call calls, of Python or of C."""
    counting = Counting()
    counting.watch(call)
    return counting.calls.total()


def cpu_milliseconds(call: Callable[[], object]) -> float:
    """Processor time of one call, of this thread alone."""
    begun = thread_time()
    call()
    return (thread_time() - begun) * 1000


def measured(call: Callable[[], object], calls: int) -> dict[str, dict[str, float]]:
    """Per phase, and for the whole: median ``cpu_ms`` and ``wall_ms``, and function ``calls``.

    The whole is timed without the clocks of the phases.

    Raises:
        LookupError: when a phase cannot be found any more; see `benchmarks.seams`.
    """
    whole = _alone(call, calls)
    whole["calls"] = counted(call)
    counting, watch = Counting(), Stopwatch()
    with observed(counting) as called:
        counting.watch(call)
    expect_all(called)
    with observed(watch):
        for _ in range(calls):
            watch.time(call)
    return {
        **{phase: _of_phase(phase, watch, counting) for phase in (*PHASES, REST)},
        WHOLE: whole,
    }


def _alone(call: Callable[[], object], calls: int) -> dict[str, float]:
    cpu, wall = [], []
    for _ in range(calls):
        begun = perf_counter()
        cpu.append(cpu_milliseconds(call))
        wall.append((perf_counter() - begun) * 1000)
    return {"cpu_ms": median(cpu), "wall_ms": median(wall)}


def _of_phase(phase: str, watch: Stopwatch, counting: Counting) -> dict[str, float]:
    return {
        "cpu_ms": median(call[phase] for call in watch.cpu) * 1000,
        "wall_ms": median(call[phase] for call in watch.wall) * 1000,
        "calls": counting.calls[phase],
    }


def profile(calls: int = CALLS) -> Mapping[str, Mapping[str, float]]:
    """The phases, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.phases", str(calls)]
    with (
        TemporaryDirectory(prefix="cds-benchmark-") as folder,
        (Path(folder) / "log").open("w+b") as said,
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=said, check=False)
        if done.returncode != 0:
            said.seek(0)
            raise SystemExit(f"the phases were not measured: {said.read()[-2000:].decode()}")
    phases: Mapping[str, Mapping[str, float]] = json.loads(done.stdout)
    return phases


@contextmanager
def joined() -> Iterator[Callable[[], bytes]]:
    """Calls the service as it is joined to be served, with a card log of its own."""
    with TemporaryDirectory(prefix="cds-benchmark-") as folder:
        settings = Settings.from_environment({"CDS_VAR_DIR": folder})
        log.configure(settings.log_level)
        with folder_of_metrics():
            # The metrics library asks for its folder at the moment it is imported.
            from cds_service.server import Server

            server = Server(settings)
            yield caller(server.load(), order_sign_call())
            server.card_log.close()


def main(calls: int) -> None:
    """Measure the service as it is joined to be served."""
    with joined() as call:
        for _ in range(WARM_UP):
            call()
        gc.collect()
        gc.freeze()
        print(json.dumps(measured(call, calls)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
