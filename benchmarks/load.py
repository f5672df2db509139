"""Many callers at once, in a process of their own.

``python -m benchmarks.load PORT CONNECTIONS SECONDS`` prints what it got as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from threading import Thread

from benchmarks.chart import order_sign_call
from benchmarks.client import Client

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers got: answers in so many seconds, and the seconds of processor they took."""

    answers: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def core(self) -> float:
        """The share of one core that the callers themselves needed."""
        return self.cpu_seconds / self.seconds


def load(port: int, connections: int, seconds: float) -> Load:
    """Let a process of its own call for so long."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(connections), str(seconds)]
    return Load(**json.loads(subprocess.check_output(command)))


def main(port: int, connections: int, seconds: float) -> None:
    """Call without a pause on every connection, and count what is answered after a warm-up."""
    body = order_sign_call()
    counts = [0] * connections
    threads = [
        Thread(target=_call, args=(Client(port, body), counts, number), daemon=True)
        for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_SECONDS)
    answers, begun, cpu = sum(counts), time.perf_counter(), time.process_time()
    time.sleep(seconds)
    answers, taken = sum(counts) - answers, time.perf_counter() - begun
    if not all(thread.is_alive() for thread in threads):
        raise SystemExit("a call was not answered with 200")
    print(json.dumps(asdict(Load(answers, taken, time.process_time() - cpu))))


def _call(client: Client, counts: list[int], number: int) -> None:
    while True:
        client()
        counts[number] += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
