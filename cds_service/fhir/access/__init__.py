"""The EHR's FHIR server, asked for what a hook call left open."""

from cds_service.fhir.access.completer import FHIRAccess

__all__ = ["FHIRAccess"]
