"""How often the rulebook speaks over a folder of requests, and which charts fire which rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.test import Client

from cds_service.rulebook.model import Rulebook

INDICATORS = ("critical", "warning", "info")
INTERRUPTING = frozenset({"critical", "warning"})


@dataclass(slots=True)
class Burden:
    """Counts over calls: cards by rule and indicator, calls without an interruption, refusals."""

    calls: int = 0
    quiet: int = 0
    refused: list[str] = field(default_factory=list)
    cards: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, cards: Iterable[Mapping[str, Any]]) -> None:
        """Count one answered call."""
        found = [(card["source"]["topic"]["code"], card["indicator"]) for card in cards]
        self.calls += 1
        self.quiet += not any(indicator in INTERRUPTING for _, indicator in found)
        self.cards.update(found)

    def of(self, indicator: str) -> int:
        """Cards of that indicator."""
        return sum(count for (_, each), count in self.cards.items() if each == indicator)


def measured(client: Client, files: Iterable[Path]) -> Burden:
    """Fire every request file at the service of its hook."""
    burden = Burden()
    for path in sorted(files):
        body = path.read_bytes()
        answer = client.post(f"/cds-services/{_service(body)}", data=body, content_type=_JSON)
        if answer.status_code == 200:
            burden.add(answer.get_json()["cards"])
        else:
            burden.refused.append(f"{path.name}: HTTP {answer.status_code}")
    return burden


def fired_by(client: Client, requests: Mapping[str, bytes]) -> dict[str, list[str]]:
    """For each rule the names of the requests that fire it."""
    fired: dict[str, list[str]] = {}
    for name, body in requests.items():
        answer = client.post(f"/explain/{_service(body)}", data=body, content_type=_JSON)
        for rule in answer.get_json().get("rules", ()):
            if rule["verdict"] == "fires":
                fired.setdefault(rule["id"], []).append(name)
    return fired


def burden_text(burden: Burden) -> Iterator[str]:
    """The counts as a markdown table."""
    if not burden.calls:
        yield "No call was answered."
    else:
        yield from _totals(burden)
        yield ""
        yield "| rule | critical | warning | info | of all calls |"
        yield "|---|---:|---:|---:|---:|"
        for rule in sorted(
            {rule for rule, _ in burden.cards}, key=lambda id_: (-_sum(burden, id_), id_)
        ):
            counts = " | ".join(str(burden.cards[rule, each] or "") for each in INDICATORS)
            yield f"| {rule} | {counts} | {_share(_sum(burden, rule), burden.calls)} |"
    yield from (f"refused: {each}" for each in burden.refused)


def coverage_text(rulebook: Rulebook, fired: Mapping[str, list[str]]) -> Iterator[str]:
    """For each rule its cases by outcome and the fixtures that fire it; gaps are marked."""
    for id_, rule in rulebook.rules.items():
        counts = Counter(case.expect for case in rule.cases)
        cases = ", ".join(f"{counts[each]} {each}" for each in ("fires", "silent", "unknown"))
        who = ", ".join(fired.get(id_, ())) or "no fixture"
        yield f"{id_:14}{rule.status:8}{cases:36}{who}"
    never = [
        id_
        for id_, rule in rulebook.rules.items()
        if id_ not in fired and not any(case.expect == "fires" for case in rule.cases)
    ]
    yield f"{len(rulebook.rules)} rules; fired by nothing: {', '.join(never) or 'none'}"


def _totals(burden: Burden) -> Iterator[str]:
    total = sum(burden.cards.values())
    by = ", ".join(f"{burden.of(each)} {each}" for each in INDICATORS)
    yield (
        f"{burden.calls} calls, {total} cards ({by}): {total / burden.calls:.1f} cards a call; "
        f"{_share(burden.quiet, burden.calls)} of the calls without a warning or critical card."
    )


def _most_first(burden: Burden) -> list[str]:
    rules = {rule for rule, _ in burden.cards}
    return sorted(rules, key=lambda rule: (-_sum(burden, rule), rule))


def _sum(burden: Burden, rule: str) -> int:
    return sum(burden.cards[rule, each] for each in INDICATORS)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


_JSON = "application/json"


def _service(body: bytes) -> str:
    """The service of a request's hook; a body that cannot be read goes to order-sign's refusal."""
    try:
        hook = json.loads(body)["hook"]
    except (ValueError, TypeError, KeyError):
        hook = "order-sign"
    return f"inotuzumab-{hook}"
