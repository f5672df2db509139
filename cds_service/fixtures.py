"""The synthetic patients in ``fhir_fixtures/``: requests that always happen now.

``cast.yaml`` lists them (name → ``title``, ``story``, ``today``); ``requests/<name>.json`` is the
hook call as it was written on the day ``today``. Loading moves every date in it by whole days, so
that a demonstration never goes stale; ages and times of day stay as they are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from cds_service.data import fixtures_dir

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?")


@dataclass(frozen=True, slots=True)
class FixtureInfo:
    """One fixture as a list shows it. ``today`` is the day its request was written for."""

    name: str
    title: str
    hook: str
    story: str
    today: date


@cache
def list_fixtures() -> tuple[FixtureInfo, ...]:
    """Every fixture, in the order of the cast."""
    cast = fixtures_dir() / "cast.yaml"
    if not cast.exists():
        return ()
    return tuple(
        FixtureInfo(name, told["title"], _request(name)["hook"], told["story"], told["today"])
        for name, told in yaml.safe_load(cast.read_text("utf-8")).items()
    )


def load_fixture(name: str, now: datetime) -> dict[str, Any]:
    """The request of a fixture, moved to the day of ``now``. Numbers are int or Decimal.

    Raises:
        KeyError: when there is no fixture of that name.
    """
    info = {each.name: each for each in list_fixtures()}[name]
    moved: dict[str, Any] = _moved(_request(name), now.date() - info.today)
    return moved


def _request(name: str) -> dict[str, Any]:
    path = fixtures_dir() / "requests" / f"{name}.json"
    request: dict[str, Any] = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    return request


def _moved(node: Any, by: timedelta) -> Any:
    if isinstance(node, dict):
        return {name: _moved(child, by) for name, child in node.items()}
    if isinstance(node, list):
        return [_moved(child, by) for child in node]
    if isinstance(node, str) and (match := _DATE.fullmatch(node)):
        day, time = match.groups(default="")
        return (date.fromisoformat(day) + by).isoformat() + time
    return node
