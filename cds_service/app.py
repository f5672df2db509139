"""The one place where the parts of the service are chosen and joined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from cds_service.cards.random_uuid import random_uuid
from cds_service.decide import Parts, plan
from cds_service.engine.durable import DurableEngine
from cds_service.facts.regimen import load_regimens
from cds_service.fhir.completion import Completer
from cds_service.metrics import Metrics
from cds_service.rulebook.loader import load_rulebook
from cds_service.rulebook.lock import said_hash
from cds_service.settings import Settings
from cds_service.store.keyed_hash import KeyedHash
from cds_service.store.port import CardLog, NoLog
from cds_service.terminology import Terminology
from cds_service.web import App, register

log = logging.getLogger("cds_service")


def join_parts(
    settings: Settings,
    clock: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
    card_log: CardLog | None = None,
    fhir: Completer | None = None,
    metrics: Metrics | None = None,
) -> Parts:
    """Load the rulebook and what it stands on.

    Without ``card_log`` nothing is kept, without ``fhir`` nothing is fetched.

    Raises:
        RulesError: with every complaint about a file under the rules directory.
        SettingsError: when the key of the keyed hashes can be neither read nor made.
    """
    terminology = Terminology.load(settings.rules_dir / "valuesets")
    rulebook = load_rulebook(settings.rules_dir, terminology)
    plans = {service.id: plan(service.hook, rulebook, terminology) for service in rulebook.services}
    return Parts(
        settings=settings,
        rulebook=rulebook,
        terminology=terminology,
        regimens=load_regimens(settings.rules_dir / "regimens"),
        engine=DurableEngine.of(each.rules for each in plans.values()),
        fhir=fhir,
        card_log=card_log or NoLog(),
        metrics=metrics or Metrics(),
        clock=clock or (lambda: datetime.now(UTC)),
        new_id=new_id or random_uuid,
        plans=plans,
        rule_hashes={rule.id: said_hash(rule) for rule in rulebook.rules.values()},
        keyed_hash=KeyedHash.of(settings) if card_log else None,
    )


def create_app(
    settings: Settings | None = None,
    clock: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
    card_log: CardLog | None = None,
    fhir: Completer | None = None,
    metrics: Metrics | None = None,
) -> App:
    """Build the service. Settings come from the environment unless given.

    A caller that serves for real gives a card log and a way to fetch; one that only looks at a
    request, as the command line does, gives neither.

    Raises:
        SettingsError: with every wrong setting.
        RulesError: with every complaint about a rule file.
    """
    chosen = settings or Settings.from_environment()
    app = App("cds_service.web")
    app.extensions["cds_service"] = join_parts(chosen, clock, new_id, card_log, fhir, metrics)
    register(app)
    return app
