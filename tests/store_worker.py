"""A process of its own that uses a card log, as a worker would: ``python -m tests.store_worker``.

``write``: records calls with feedback until it is killed, and prints the card of each when both are
acknowledged. ``use``: uses each of the token ids it reads, and prints those that were new.
``spool``: waits for a line, then records so many calls, and prints their cards.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cds_service.store.card_log import DatabaseLog, open_card_log
from tests.store_builders import answer, call, card


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


if __name__ == "__main__":
    _, job, url, var_dir = sys.argv
    opened = open_card_log(url, Path(var_dir), in_background=False, patience=60)
    {"write": write, "spool": spool, "use": use}[job](opened)
    opened.close()
