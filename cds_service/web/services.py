"""The service that an address names."""

from __future__ import annotations

from http import HTTPStatus

from cds_service.rulebook.model import Service
from cds_service.web.errors import CallError, Issue
from cds_service.web.parts import parts


def named_service(service_id: str) -> Service:
    """The service of this id.

    Raises:
        CallError: 404 when there is none.
    """
    service = parts().rulebook.service(service_id)
    if service is None:
        problem = "there is no service of this id; GET /cds-services lists them"
        raise CallError(HTTPStatus.NOT_FOUND, [Issue("not-found", problem)])
    return service
