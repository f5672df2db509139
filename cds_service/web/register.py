"""Puts routes, error answers and headers on an app."""

from __future__ import annotations

from flask import Flask
from jinja2 import StrictUndefined

from cds_service.web import (
    analytics,
    course,
    description,
    feedback,
    fixtures,
    health,
    hooks,
    library,
    metrics,
    workbench,
)
from cds_service.web.authentication import register_authentication
from cds_service.web.errors import register_errors
from cds_service.web.headers import register_headers
from cds_service.web.markdown import as_html
from cds_service.web.parts import EXTENSION
from cds_service.web.static_files import register_static_files


def register(app: Flask) -> None:
    """Make the app answer; its ``extensions["cds_service"]`` holds the parts."""
    # One byte over the limit is read: where no length was announced, Werkzeug cuts the body off
    # at its limit without a word, and only the extra byte shows that there was more.
    app.config["MAX_CONTENT_LENGTH"] = app.extensions[EXTENSION].settings.max_body_bytes + 1
    # A redirect of a doubled slash would be the one answer that is neither JSON nor a page of ours.
    app.url_map.merge_slashes = False
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters["markdown"] = as_html
    for module in (
        *(hooks, feedback, health, metrics, description, fixtures, library),
        *(workbench, course, analytics),
    ):
        app.register_blueprint(module.blueprint)
    register_static_files(app)
    register_errors(app)
    register_headers(app)
    register_authentication(app)
