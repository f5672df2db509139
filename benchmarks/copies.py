"""A rulebook several times as large: every rule again under other names."""

from __future__ import annotations

from dataclasses import replace

from cds_service.decide import Parts, plan
from cds_service.engine.durable import DurableEngine
from cds_service.rulebook.model import Rulebook, Status
from cds_service.server import Server
from cds_service.settings import Settings
from cds_service.web.parts import EXTENSION


class CopiesServer(Server):
    """The service as it is served, with so many times the rules; see `with_copies`."""

    def __init__(self, settings: Settings, times: int, status: Status) -> None:
        super().__init__(settings)
        self.parts = with_copies(self.parts, times, status)
        self._flask_app.extensions[EXTENSION] = self.parts


def with_copies(parts: Parts, times: int, status: Status) -> Parts:
    """The parts with so many times the rules; a copy asks the questions of its original.

    ``status`` of the copies: "active" ones show their cards too, "shadow" ones are judged only.
    """
    rulebook = _copied(parts.rulebook, times, status)
    plans = {each.id: plan(each.hook, rulebook, parts.terminology) for each in rulebook.services}
    engine = DurableEngine.of(each.rules for each in plans.values())
    return replace(parts, rulebook=rulebook, plans=plans, engine=engine)


def _copied(rulebook: Rulebook, times: int, status: Status) -> Rulebook:
    copies = {
        f"{id_}-COPY-{number}": replace(rule, id=f"{id_}-COPY-{number}", status=status)
        for number in range(1, times)
        for id_, rule in rulebook.rules.items()
    }
    return replace(rulebook, rules={**rulebook.rules, **copies})
