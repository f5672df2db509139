"""The description of the service for machines."""

from __future__ import annotations

from flask import Blueprint, Response

from cds_service.data import openapi_file

blueprint = Blueprint("description", __name__)


@blueprint.get("/openapi.yaml")
def openapi() -> Response:
    """The OpenAPI file at the top of the repository."""
    return Response(openapi_file().read_bytes(), content_type="application/yaml")
