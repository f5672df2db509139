"""One hook call, as the wire schema leaves it: checked in form, not yet read as FHIR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.clients import SANDBOX, Client

JSON = Any
"""A JSON value whose numbers are int or Decimal, never float."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The EHR's permission to read its FHIR server, for this call only.

    ``token`` never reaches a log, a store or a message. ``patient`` is the bare FHIR id that the
    token is limited to, empty when the EHR does not say.
    """

    token: str = field(repr=False)
    patient: str = ""


@dataclass(frozen=True, slots=True)
class HookCall:
    """What an EHR asks.

    ``patient_id`` is bare (a ``Patient/`` prefix or absolute URL is already taken off).
    ``draft_orders`` is the context Bundle, None for patient-view. ``selections`` are ``Type/id``.
    ``prefetch`` holds whatever came, untouched: keys may be missing, null, or of any type.
    ``fhir_server`` also resolves absolute references. ``client`` is who called, ``tenant`` the
    part of it that its token named.
    """

    service_id: str
    hook: str
    hook_instance: str
    patient_id: str
    user_id: str = ""
    encounter_id: str = ""
    draft_orders: JSON = None
    selections: tuple[str, ...] = ()
    prefetch: Mapping[str, JSON] = field(default_factory=dict)
    fhir_server: str = ""
    authorization: Authorization | None = None
    profile: str = "US"
    client: Client = SANDBOX
    tenant: str = ""
