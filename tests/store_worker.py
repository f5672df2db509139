"""A process of its own that uses a card log, as a worker would: ``python -m tests.store_worker``.

``write``: records calls with feedback until it is killed, and prints the card of each when both are
acknowledged. ``use``: uses each of the token ids it reads, and prints those that were new.
``fork``: records a call, forks, and records another in each of two children, all at once.
``spool``: waits for a line, then records so many calls, and prints their cards.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cds_service.store.card_log import DatabaseLog, open_card_log
from tests.store_builders import NOW, answer, call, card


def write(log: DatabaseLog) -> None:
    while True:
        made = card()
        log.record(call(made))
        log.keep_feedback([answer(made.uuid)])
        print(made.uuid, flush=True)


def spool(log: DatabaseLog) -> None:
    for _ in range(int(sys.stdin.readline())):
        made = card()
        log.record(call(made))
        log.keep_feedback([answer(made.uuid)])
        print(made.uuid, flush=True)


def use(log: DatabaseLog) -> None:
    now = datetime.now(UTC)
    for line in sys.stdin:
        if log.is_first_use("issuer", line.strip(), now + timedelta(hours=1), now):
            print(line.strip(), flush=True)


def fork(log: DatabaseLog) -> None:
    log.record(call(card(), id="parent"))
    log.is_first_use("issuer", "parent", NOW + timedelta(hours=1), NOW)
    children = [os.fork() for _ in range(2) if os.getpid() == parent]
    log.record(call(card(), id="child" if os.getpid() != parent else "parent again"))
    log.replay()
    if os.getpid() == parent:
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(ended, len(log.problems()), flush=True)
    else:
        log.close()
        os._exit(len(log.problems()) + 2 * log.is_first_use("issuer", "parent", NOW, NOW))


if __name__ == "__main__":
    _, job, url, var_dir = sys.argv
    parent = os.getpid()
    opened = open_card_log(url, Path(var_dir), in_background=False, patience=60)
    {"write": write, "spool": spool, "use": use, "fork": fork}[job](opened)
    opened.close()
