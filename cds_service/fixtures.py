"""The synthetic patients in ``fhir_fixtures/``: requests that always happen now.

``cast.yaml`` says who they are; ``requests/<name>.json`` is the hook call as it was written for the
instant ``written_for``. Loading moves every date in it by whole days, so that a demonstration never
goes stale: ages, intervals and times of day stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from cds_service.data import fixtures_dir
from cds_service.errors import CDSServiceError

_DAY = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?=T\d{2}:\d{2}|(?![\w-]))")
"""A calendar day, alone, before a time of day, or as a word in a sentence."""


class UnknownFixtureError(CDSServiceError, LookupError):
    """There is no synthetic patient of that name."""


@dataclass(frozen=True, slots=True)
class FixtureInfo:
    """One synthetic patient as a list shows it.

    ``profile`` is the label profile (US or EU) the request is meant to be judged under;
    ``service_id`` the service it is meant for; ``expects`` the ids of the rules it is told for,
    the one that matters most first.
    """

    name: str
    title: str
    hook: str
    profile: str
    story: str
    service_id: str
    expects: tuple[str, ...] = ()


def list_fixtures() -> tuple[FixtureInfo, ...]:
    """Every fixture, in the order of the cast."""
    return tuple(
        FixtureInfo(
            name=name,
            title=member["title"],
            hook=member["hook"],
            profile=member["profile"],
            story=" ".join(member["story"].split()),
            service_id=f"inotuzumab-{member['hook']}",
            expects=tuple(member["expects"]),
        )
        for name, member in _cast()["cast"].items()
    )


def load_fixture(name: str, now: datetime) -> dict[str, Any]:
    """The request of a fixture, moved by whole days to the (UTC) day of ``now``.

    Numbers are int or Decimal.

    Raises:
        UnknownFixtureError: when the cast has nobody of that name.
    """
    cast = _cast()
    if name not in cast["cast"]:
        raise UnknownFixtureError("there is no fixture of that name: list them to see the names")
    written: datetime = cast["written_for"]
    text = (fixtures_dir() / "requests" / f"{name}.json").read_text("utf-8")
    request: dict[str, Any] = json.loads(text, parse_float=Decimal)
    moved: dict[str, Any] = _moved(request, now.astimezone(UTC).date() - written.date())
    return moved


@cache
def _cast() -> Mapping[str, Any]:
    cast: Mapping[str, Any] = yaml.safe_load((fixtures_dir() / "cast.yaml").read_text("utf-8"))
    return cast


def _moved(node: Any, by: timedelta) -> Any:
    if isinstance(node, dict):
        return {name: _moved(child, by) for name, child in node.items()}
    if isinstance(node, list):
        return [_moved(child, by) for child in node]
    if isinstance(node, str):
        return _DAY.sub(lambda found: _moved_day(found[0], by), node)
    return node


def _moved_day(text: str, by: timedelta) -> str:
    try:
        return (date.fromisoformat(text) + by).isoformat()
    except (ValueError, OverflowError):
        return text
