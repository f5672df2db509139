"""The one place where the parts of the service are chosen and joined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from flask import Flask

from cds_service.decide import Parts, plan
from cds_service.engine.durable import DurableEngine
from cds_service.facts.regimen import load_regimens
from cds_service.rulebook.loader import load_rulebook
from cds_service.settings import Settings
from cds_service.terminology import Terminology
from cds_service.web import register

log = logging.getLogger("cds_service")


def join_parts(
    settings: Settings,
    clock: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
) -> Parts:
    """Load the rulebook and what it stands on.

    Raises:
        RulesError: with every complaint about a file under the rules directory.
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
        clock=clock or (lambda: datetime.now(UTC)),
        new_id=new_id or (lambda: str(uuid4())),
        plans=plans,
    )


def create_app(
    settings: Settings | None = None,
    clock: Callable[[], datetime] | None = None,
    new_id: Callable[[], str] | None = None,
) -> Flask:
    """Build the service. Settings come from the environment unless given.

    Raises:
        SettingsError: with every wrong setting.
        RulesError: with every complaint about a rule file.
    """
    chosen = settings or Settings.from_environment()
    app = Flask("cds_service.web")
    app.extensions["cds_service"] = join_parts(chosen, clock, new_id)
    register(app)
    return app
