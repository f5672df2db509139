"""What a hook call is compared with: an endpoint that parses the same JSON and answers nothing."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from benchmarks.chart import SERVICE
from cds_service.server import Server


def bare_app() -> Flask:
    """An endpoint that parses the same JSON and does nothing with it."""
    app = Flask("bare")

    @app.post(f"/cds-services/{SERVICE}")
    def call() -> dict[str, object]:
        request.get_json()
        return {"cards": []}

    @app.get("/health/ready")
    def ready() -> dict[str, object]:
        return {}

    return app


class BareServer(Server):
    """The same server, started the same way, that serves the bare endpoint in the end."""

    def load(self) -> Any:
        """The bare endpoint."""
        return bare_app().wsgi_app
