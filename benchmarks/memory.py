"""Whether the memory of a worker stays flat."""

from __future__ import annotations

from benchmarks.chart import order_sign_call
from benchmarks.servers import post, running

READINGS = 20


def watch(calls: int) -> None:
    """Make so many calls, print the worker's resident memory on the way, and how much it grew.

    The growth is counted from the end of the first tenth, when all caches are filled.
    """
    body = order_sign_call()
    step = max(calls // READINGS, 1)
    seen = []
    with running("full") as server:
        connection = server.connection()
        for number in range(1, calls + 1):
            post(connection, body)
            if number % step == 0:
                seen.append(server.resident_kilobytes())
                print(f"  after {number:7} calls {seen[-1] / 1024:7.1f} MB", flush=True)
    settled = seen[max(len(seen) // 10 - 1, 0) :]
    print(f"  grew by {(settled[-1] - settled[0]) / 1024:.1f} MB after the first tenth")
