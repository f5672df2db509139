"""What each phase of a call may cost: milliseconds of processor time on the machine of the page."""

from benchmarks.seams import REST

BUDGET: dict[str, float] = {
    "parse": 0.6,
    "schema": 0.1,
    "fetch": 0.05,
    "select and read": 1.0,
    "derive": 0.45,
    "match, plain": 0.3,
    "match, durable-rules": 0.4,
    "render": 0.4,
    "quiet": 0.1,
    "record": 0.45,
    "write": 0.15,
    REST: 0.5,
}
