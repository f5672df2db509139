"""Prefetch templates: how a key is searched, and whether a template keeps to CDS Hooks 2.0.1.

The keys are published; configured by hand in some EHRs, they are never renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PAGE = 200
"""Resources per page that we ask for."""

PATIENT_TOKEN = "{{context.patientId}}"  # noqa: S105 - the name CDS Hooks has for it, no secret

CONTEXT_FIELDS = {
    hook: {
        "userId": "required",
        "patientId": "required",
        "encounterId": "optional",
        "selections": "no token",
        "draftOrders": "no token",
    }
    for hook in ("patient-view", "order-select", "order-sign")
}
"""What the hooks we serve say about their context fields as tokens (Hooks Library 1.0.1)."""

USER_TOKENS = frozenset(
    {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
)
_OUTSIDE_SUBSET = frozenset(
    {"_include", "_revinclude", "_has", "_filter", "_elements", "_summary", "_contained", "_query"}
)
_TOKEN = re.compile(r"\{\{(.*?)\}\}")
_PATH = re.compile(r"[A-Z][A-Za-z]+(?:/[^/?$]+)?")
_DATE_PREFIX = re.compile(r"(?:ne|sa|eb|ap)(?=\d{4}|\{\{)")


def read_template(resource_type: str) -> str:
    """A read of one resource by the patient's id."""
    return f"{resource_type}/{PATIENT_TOKEN}"


def search_template(
    resource_type: str, codes: Iterable[str] = (), newest_first: bool = False
) -> str:
    """A search for the patient's resources of a type, of the given ``system|code`` if any."""
    parts = [f"{resource_type}?patient={PATIENT_TOKEN}"]
    if wanted := ",".join(codes):
        parts.append(f"code={wanted}")
    if newest_first:
        parts.append("_sort=-date")
    parts.append(f"_count={PAGE}")
    return "&".join(parts)


def subject_template(resource_type: str) -> str:
    """A search for the resources of a type whose subject need not be a patient."""
    return f"{resource_type}?subject=Patient/{PATIENT_TOKEN}&_count={PAGE}"


def lint_template(hook: str, template: str) -> list[str]:
    """What is wrong with a template for a hook, one sentence each; empty when nothing is."""
    return [*_wrong_tokens(hook, template), *_wrong_query(template)]


def _wrong_tokens(hook: str, template: str) -> Iterator[str]:
    if hook not in CONTEXT_FIELDS:
        yield f'hook "{hook}" is not one we know; know {", ".join(sorted(CONTEXT_FIELDS))}'
        return
    rest = _TOKEN.sub("", template)
    if "{" in rest or "}" in rest:
        yield "a token must stand between {{ and }}"
    for token in _TOKEN.findall(template):
        if complaint := _wrong_token(hook, token):
            yield complaint


def _wrong_token(hook: str, token: str) -> str | None:
    if "today()" in token:
        return "today() is not part of CDS Hooks 2.0.1, and some clients send null for it"
    if token in USER_TOKENS:
        return f'token "{token}" depends on who the user is; the answer must not'
    prefix, _, field = token.partition(".")
    if prefix != "context" or not field:
        return f'token "{token}" must be context.<field>'
    if "." in field:
        return f'token "{token}" must be a field at the root of the context'
    match CONTEXT_FIELDS[hook].get(field):
        case None:
            return f'the context of {hook} has no field "{field}"'
        case "no token":
            return f'{hook} does not allow "{field}" as a token'
        case "optional":
            return f'"{field}" is optional in {hook}: the search may never be made'
    return None


def _wrong_query(template: str) -> Iterator[str]:
    path, _, query = template.partition("?")
    if "$" in path:
        yield "operations are outside the recommended subset"
    elif not _PATH.fullmatch(path):
        yield "a template is Type/id or Type?parameters, relative to the FHIR server"
    parameters = [part.partition("=") for part in query.split("&") if part]
    names = [name for name, _, _ in parameters]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f'parameter "{name}" stands twice; some clients join the two with a comma'
    for name, _, value in parameters:
        yield from _wrong_parameter(name, value)


def _wrong_parameter(name: str, value: str) -> Iterator[str]:
    plain, _, modifier = name.partition(":")
    if plain in _OUTSIDE_SUBSET:
        yield f'parameter "{plain}" is outside the recommended subset'
    elif modifier and modifier != "in":
        yield f'modifier ":{modifier}" is outside the recommended subset'
    if "." in plain:
        yield f'parameter "{plain}" is chained, which is outside the recommended subset'
    if not value:
        yield f'parameter "{name}" has no value'
    if _DATE_PREFIX.match(value):
        yield f'prefix "{value[:2]}" is outside the recommended subset: eq, lt, gt, ge, le'
