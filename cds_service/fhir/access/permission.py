"""Whether a hook call lets us ask its FHIR server, and how."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from cds_service.fhir.access.base import Base, base_of
from cds_service.fhir.hook_call import HookCall
from cds_service.outbound import MayConnect, is_loopback_host, listed_server, loopback_only

_TOKEN = re.compile(r"[!-~]+")
# Not FHIR's own pattern, because some EHRs have longer ids and underscores; but nothing that means
# something in a search (comma, pipe, dollar) or in a path.
_PATIENT_ID = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,256}")


class Refusal(StrEnum):
    """Why the FHIR server is not asked, as the log says it."""

    NO_SERVER = "no server given"
    UNREADABLE = "address not plain"
    NOT_LOOPBACK = "not on this machine, as sandbox mode demands"
    NOT_LISTED = "not listed for this client"
    NO_TOKEN = "no token given"  # noqa: S105 - words of a log line, no secret
    BAD_TOKEN = "token cannot be sent"  # noqa: S105 - words of a log line, no secret
    OTHER_PATIENT = "token is for another patient"
    PATIENT_ID = "patient id cannot be searched for"


@dataclass(frozen=True, slots=True)
class Permission:
    """The server we may ask, with what token (empty: none), at which addresses."""

    base: Base
    token: str = field(repr=False)
    may_connect: MayConnect


def permission_of(call: HookCall) -> Permission | Refusal:
    """What a call permits: in sandbox mode this machine alone, else a listed server by token."""
    if not call.fhir_server:
        return Refusal.NO_SERVER
    base = base_of(call.fhir_server)
    if base is None:
        return Refusal.UNREADABLE
    refusal = _for_sandbox(base) if call.client.is_sandbox else _for_client(call, base)
    token = call.authorization.token if call.authorization else ""
    if refusal is None and token and not _TOKEN.fullmatch(token):
        refusal = Refusal.BAD_TOKEN
    may_connect = loopback_only if call.client.is_sandbox else listed_server
    return refusal or _of_patient(call) or Permission(base, token, may_connect)


def _for_sandbox(base: Base) -> Refusal | None:
    return None if is_loopback_host(base.place.host) else Refusal.NOT_LOOPBACK


def _for_client(call: HookCall, base: Base) -> Refusal | None:
    listed = filter(None, map(base_of, call.client.fhir_servers))
    if not any(each.holds(base.place) for each in listed):
        return Refusal.NOT_LISTED
    return None if call.authorization else Refusal.NO_TOKEN


def _of_patient(call: HookCall) -> Refusal | None:
    limited_to = call.authorization.patient if call.authorization else ""
    if limited_to and limited_to != call.patient_id:
        return Refusal.OTHER_PATIENT
    return None if _PATIENT_ID.fullmatch(call.patient_id) else Refusal.PATIENT_ID
