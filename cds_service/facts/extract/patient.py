"""The patient: birth date and administrative sex."""

from __future__ import annotations

from cds_service.errors import DataUnavailable
from cds_service.facts.extract.material import Material, moment_at
from cds_service.facts.model import Patient
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import PATIENT
from cds_service.fhir.bundle import State, state_of_read
from cds_service.fhir.hook_call import HookCall
from cds_service.fhir.library import Found
from cds_service.fhir.peek import text_at


def read_patient(call: HookCall, material: Material) -> tuple[Patient, Unknown | None]:
    """The patient of the call, and why it is not fully known.

    Another patient's Patient is never used; it leaves ours unknown.

    Raises:
        DataUnavailable: when there is no Patient at all.
    """
    if ours := material.own("Patient"):
        return _patient(ours[0], material)
    if any(material.library.of_type("Patient")):
        return Patient(), Unknown("patient", Reason.FOREIGN, "the Patient sent has another id")
    raise DataUnavailable(PATIENT, _why(call))


def _patient(found: Found, material: Material) -> tuple[Patient, Unknown | None]:
    resource = material.readable(found, ())
    if resource is None:
        return Patient(), Unknown("patient", Reason.UNREADABLE, reference=found.reference)
    return Patient(moment_at(resource, "birthDate"), text_at(resource, "gender")), None


def _why(call: HookCall) -> Reason:
    if PATIENT not in call.prefetch:
        return Reason.NOT_SENT
    state = state_of_read(call.prefetch[PATIENT], "Patient")
    return Reason.NOT_FOUND if state is State.ANSWERED else Reason[state.name]
