"""The wire form of a hook call: tolerant of what we do not read, exact about what we do.

CDS Hooks 1.0 and 1.1 requests have the same fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from cds_service.clients import Client
from cds_service.fhir.hook_call import Authorization, HookCall
from cds_service.rulebook.model import Service
from cds_service.web.errors import CallError
from cds_service.web.form import (
    MISSING,
    MOST_ITEMS,
    OBJECT_PROBLEMS,
    ListOf,
    Object,
    Text,
    Tolerant,
    issues,
)

MOST_DRAFTS = 500
"""Entries of draftOrders in one call; each is judged at its own place in the course."""

_PATIENT_REFERENCE = re.compile(r"(?:.*/)?Patient/([^/]+)(?:/_history/.*)?")
_ENCOUNTER_REFERENCE = re.compile(r"(?:.*/)?Encounter/([^/]+)(?:/_history/.*)?")
_ABSOLUTE_REFERENCE = re.compile(r"https?://.*/([A-Z][A-Za-z]+/[^/]+)(?:/_history/.*)?")


class _PatientId(Text):
    """A bare patient id; ``Patient/1`` and an absolute URL are brought to that form."""

    def _deserialize(self, value: object, *args: Any, **options: Any) -> str:
        text = super()._deserialize(value, *args, **options).strip()
        reference = _PATIENT_REFERENCE.fullmatch(text)
        bare = reference.group(1) if reference else text
        if not bare:
            raise ValidationError("is empty: send the FHIR id of the patient")
        if "/" in bare:
            raise ValidationError("is not the id of a Patient")
        return bare


class _EncounterId(Text):
    """A bare encounter id; ``Encounter/1`` and an absolute URL are brought to that form."""

    def _deserialize(self, value: object, *args: Any, **options: Any) -> str:
        text = super()._deserialize(value, *args, **options).strip()
        reference = _ENCOUNTER_REFERENCE.fullmatch(text)
        return reference.group(1) if reference else text


class _Selection(Text):
    """A reference ``Type/id``; an absolute URL is brought to that form."""

    def _deserialize(self, value: object, *args: Any, **options: Any) -> str:
        return _relative(super()._deserialize(value, *args, **options))


def _relative(text: str) -> str:
    """The reference without the server's address, if it has one."""
    absolute = _ABSOLUTE_REFERENCE.fullmatch(text.strip())
    return absolute.group(1) if absolute else text.strip()


def _expect_bundle(resource: Mapping[str, Any]) -> None:
    if wrong := _wrong_in_bundle(resource):
        raise ValidationError(wrong)


def _wrong_in_bundle(resource: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong, by member. Whether each order in it can be read is for others to say."""
    if resource.get("resourceType") != "Bundle":
        return {"resourceType": ["must be Bundle"]}
    entries = resource.get("entry", [])
    if not isinstance(entries, list):
        return {"entry": ["must be an array"]}
    if len(entries) > MOST_DRAFTS:
        return {"entry": [f"holds more than {MOST_DRAFTS} orders: send fewer in one call"]}
    return {}


class _Context(Tolerant):
    patient_id = _PatientId(required=True, data_key="patientId")
    user_id = fields.Raw(allow_none=True, load_default=None, data_key="userId")
    encounter_id = _EncounterId(allow_none=True, load_default=None, data_key="encounterId")


class _OrderContext(_Context):
    draft_orders = Object(required=True, validate=_expect_bundle, data_key="draftOrders")


class _SelectContext(_OrderContext):
    selections = ListOf(_Selection(), required=True)


class _Call(Tolerant):
    hook_instance = Text(required=True, data_key="hookInstance")
    fhir_server = Text(allow_none=True, load_default=None, data_key="fhirServer")
    authorization = Object(allow_none=True, load_default=None, data_key="fhirAuthorization")
    prefetch = Object(allow_none=True, load_default=None)

    @validates_schema(skip_on_field_errors=False)
    def _authorization_needs_server(self, call: dict[str, Any], **_: Any) -> None:
        if call.get("authorization") is not None and not call.get("fhir_server"):
            problem = f"{MISSING}, and fhirAuthorization is of no use without it"
            raise ValidationError(problem, "fhirServer")


def _form(hook_name: str, context_form: _Context) -> Schema:
    mismatch = f"does not belong to this service, which answers {hook_name}"

    class Call(_Call):
        hook = Text(required=True, validate=validate.Equal(hook_name, error=mismatch))
        context = fields.Nested(context_form, required=True, error_messages=OBJECT_PROBLEMS)

    return Call()


_FORMS: Mapping[str, Schema] = {
    "patient-view": _form("patient-view", _Context()),
    "order-sign": _form("order-sign", _OrderContext()),
    "order-select": _form("order-select", _SelectContext()),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the client, the tenant its token names, and the label profile it is served."""

    client: Client
    profile: str
    tenant: str = ""


def hook_call(body: Mapping[str, Any], service: Service, caller: Caller) -> HookCall:
    """The call that a caller sent to a service.

    Raises:
        CallError: 400, with an issue for each field that is missing or of a wrong form.
    """
    call = read_at_a_look(body, service.hook) or read_by_form(body, service.hook)
    context = call["context"]
    user = context["user_id"]
    return HookCall(
        service_id=service.id,
        hook=service.hook,
        hook_instance=call["hook_instance"],
        patient_id=context["patient_id"],
        user_id=_relative(user) if isinstance(user, str) else "",
        encounter_id=context["encounter_id"] or "",
        draft_orders=context.get("draft_orders"),
        selections=tuple(context.get("selections", ())),
        prefetch=call["prefetch"] or {},
        fhir_server=call["fhir_server"] or "",
        authorization=_authorization(call["authorization"]),
        profile=caller.profile,
        client=caller.client,
        tenant=caller.tenant,
    )


def read_by_form(body: Mapping[str, Any], hook: str) -> Mapping[str, Any]:
    """The members of a call, as its form reads them.

    Raises:
        CallError: 400, with everything that is wrong.
    """
    try:
        return cast(Mapping[str, Any], _FORMS[hook].load(body))
    except ValidationError as error:
        raise CallError(HTTPStatus.BAD_REQUEST, issues(error.messages_dict)) from None


def read_at_a_look(body: Mapping[str, Any], hook: str) -> Mapping[str, Any] | None:
    """The same where all members are as the form would leave them, as most are; else None."""
    server, permission = body.get("fhirServer"), body.get("fhirAuthorization")
    prefetch, context = body.get("prefetch"), body.get("context")
    is_plain = (
        body.get("hook") == hook
        and isinstance(body.get("hookInstance"), str)
        and (server is None or isinstance(server, str))
        and (permission is None or (isinstance(permission, dict) and server))
        and (prefetch is None or isinstance(prefetch, dict))
    )
    read = _context_at_a_look(context, hook) if is_plain else None
    if read is None:
        return None
    return {
        "hook_instance": body["hookInstance"],
        "fhir_server": server,
        "authorization": permission,
        "prefetch": prefetch,
        "context": read,
    }


def _context_at_a_look(context: object, hook: str) -> Mapping[str, Any] | None:
    if not isinstance(context, dict):
        return None
    patient, encounter = context.get("patientId"), context.get("encounterId")
    if not patient or not _is_bare(patient) or not (encounter is None or _is_bare(encounter)):
        return None
    read = {"patient_id": patient, "user_id": context.get("userId"), "encounter_id": encounter}
    if hook == "patient-view":
        return read
    orders, selections = context.get("draftOrders"), context.get("selections")
    if not isinstance(orders, dict) or _wrong_in_bundle(orders):
        return None
    if hook == "order-sign":
        return {**read, "draft_orders": orders}
    if not isinstance(selections, list) or len(selections) > MOST_ITEMS:
        return None
    if not all(map(_is_relative, selections)):
        return None
    return {**read, "draft_orders": orders, "selections": selections}


def _is_bare(value: object) -> bool:
    """Whether this is an id without anything that would have to be taken off."""
    return isinstance(value, str) and "/" not in value and value == value.strip()


def _is_relative(value: object) -> bool:
    return isinstance(value, str) and ":" not in value and value == value.strip()


def _authorization(sent: Mapping[str, Any] | None) -> Authorization | None:
    """The permission to read FHIR; a token that is missing, empty or of another type is none."""
    if sent is None:
        return None
    token, kind, patient = sent.get("access_token"), sent.get("token_type"), sent.get("patient")
    if not isinstance(token, str) or not token.strip():
        return None
    if isinstance(kind, str) and kind.strip().lower() != "bearer":
        return None
    text = patient.strip() if isinstance(patient, str) else ""
    reference = _PATIENT_REFERENCE.fullmatch(text)
    return Authorization(token.strip(), reference.group(1) if reference else text)
