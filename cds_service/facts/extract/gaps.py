"""Which searches were not answered, or not completely."""

from __future__ import annotations

from cds_service.facts.extract.material import KEY_OF_TYPE
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import OBSERVATIONS, PATIENT, RECENT_OBSERVATIONS
from cds_service.fhir.bundle import State, state_of_search
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.library import Library

TYPE_OF_KEY = {key: resource_type for resource_type, key in KEY_OF_TYPE.items()} | {
    RECENT_OBSERVATIONS: "Observation"
}

_WHAT = {OBSERVATIONS: "results", RECENT_OBSERVATIONS: "recent results"}


def gaps_in(call: HookCall, keys: frozenset[str], library: Library) -> dict[str, Unknown]:
    """Why each of our keys is not answered completely; a key that is answered is not there.

    The patient is read on its own. A Bundle under a key of the client's own answers none of ours.
    """
    gaps = {}
    for key in sorted(keys - {PATIENT}):
        if key not in TYPE_OF_KEY:
            continue
        state = _state(call, key, library)
        if state is not State.ANSWERED:
            what = _WHAT.get(key, _spaced(key))
            gaps[key] = Unknown(what, Reason[state.name])
    return gaps


def _state(call: HookCall, key: str, library: Library) -> State:
    if key not in call.prefetch:
        return State.NOT_SENT
    return state_of_search(call.prefetch[key], TYPE_OF_KEY[key], library.only_types.get(key))


def _spaced(key: str) -> str:
    """``medicationRequests`` as ``medication requests``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in key)
