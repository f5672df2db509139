"""The parts of this app, where a view needs them."""

from __future__ import annotations

from typing import cast

from flask import current_app

from cds_service.decide import Parts

EXTENSION = "cds_service"


def parts() -> Parts:
    """The parts that ``create_app`` joined."""
    return cast(Parts, current_app.extensions[EXTENSION])
