"""What the processor does in a hook call, phase by phase: instructions, and misses of its caches.

Counted by valgrind, which is slow and not a clock: the same on a busy machine as on a quiet one, so
that a change of one per cent can be told. The caches are those of `CACHES`, not the machine's own.

``python -m benchmarks.instructions full FOLDER`` is what runs under valgrind.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bare import bare_app
from benchmarks.chart import order_sign_call
from benchmarks.in_process import caller
from benchmarks.phases import WHOLE, joined
from benchmarks.seams import PHASES, REST, Following, observed

BARE = "a bare call"
CACHES = ("--I1=32768,8,64", "--D1=32768,8,64", "--LL=1048576,16,64")
"""Bytes, ways and bytes of a line: 32 kB for code, 32 kB for data, and 1 MB behind both."""

WARM_UP = 20
WARM_UP_OF_CACHES = 3
_TOTALS = "totals: "
_EVENTS = ("Ir", "Dr", "Dw", "I1mr", "D1mr", "D1mw", "ILmr", "DLmr", "DLmw")

Counts = Mapping[str, int]


def instructions() -> dict[str, Counts]:
    """``instructions``, ``l1_misses`` and ``l2_misses`` of each phase, the whole, and a bare call.

    Raises:
        SystemExit: where valgrind is not installed, or ends with an error.
    """
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions and is not here: install it first")
    phases = _counted("full")
    ordered = {phase: phases.get(phase, _counts(())) for phase in (*PHASES, REST)}
    return {**ordered, WHOLE: _sum(ordered.values()), BARE: _sum(_counted("bare").values())}


def _counted(which: str) -> dict[str, Counts]:
    with TemporaryDirectory(prefix="cds-benchmark-") as folder:
        done = subprocess.run(
            [
                *("valgrind", "--tool=callgrind", "--cache-sim=yes", *CACHES),
                # Counts go into a new file each time a phase begins or ends: see `_Marks`.
                *("--instr-atstart=no", "--dump-before=getppid"),
                f"--callgrind-out-file={folder}/counts",
                *(sys.executable, "-m", "benchmarks.instructions", which, folder),
            ],
            # The order of a set, and so the work it makes, is the same in every run.
            env=os.environ | {"PYTHONHASHSEED": "0"},
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"nothing was counted: {done.stderr[-2000:].decode()}")
        order = (Path(folder) / "order").read_text().split("\n")
        total: dict[str, Counter[str]] = {}
        for number, phase in enumerate(order, 1):
            counts = _counts(_totals(Path(f"{folder}/counts.{number}")))
            total.setdefault(phase, Counter()).update(counts)
    # What came before the first mark is not of the call.
    del total[""]
    return dict(total)


def _totals(path: Path) -> Iterable[int]:
    lines = (line for line in path.read_text().splitlines() if line.startswith(_TOTALS))
    return map(int, next(lines).removeprefix(_TOTALS).split())


def _counts(totals: Iterable[int]) -> dict[str, int]:
    """Zeros at the end are not written."""
    of = dict.fromkeys(_EVENTS, 0) | dict(zip(_EVENTS, totals, strict=False))
    return {
        "instructions": of["Ir"],
        "l1_misses": of["I1mr"] + of["D1mr"] + of["D1mw"],
        "l2_misses": of["ILmr"] + of["DLmr"] + of["DLmw"],
    }


def _sum(every: Iterable[Counts]) -> Counts:
    total: Counter[str] = Counter()
    for each in every:
        total.update(each)
    return dict(total)


class _Marks(Following):
    """Tells valgrind at each border between two phases, by a function that nobody else calls."""

    def __init__(self) -> None:
        super().__init__("")
        self.order: list[str] = []

    def watch(self, call: Callable[[], object]) -> None:
        """One call from its beginning to its end."""
        self.enter(REST)
        call()
        self.leave()

    def at_border(self) -> None:
        """What was counted since the last border belongs to the phase that ends here."""
        self.order.append(self.phase)
        os.getppid()


def main(which: str, folder: str) -> None:
    """Call, and let one call be counted when all is warm."""
    if which == "bare":
        _count(caller(bare_app().wsgi_app, order_sign_call()), Path(folder))
        return
    with joined() as call:
        _count(call, Path(folder))


def _count(call: Callable[[], bytes], folder: Path) -> None:
    for _ in range(WARM_UP):
        call()
    gc.collect()
    gc.freeze()
    gc.disable()
    turn_on = ["callgrind_control", "--instr=on", str(os.getpid())]
    subprocess.run(turn_on, stdout=subprocess.DEVNULL, check=True)
    for _ in range(WARM_UP_OF_CACHES):
        call()
    marks = _Marks()
    with observed(marks):
        marks.watch(call)
    (folder / "order").write_text("\n".join(marks.order))


if __name__ == "__main__":
    main(*sys.argv[1:])
