"""Value sets: any coding a chart may hold → the ingredients of a drug, or a clinical concept."""

from cds_service.terminology.lookup import Terminology
from cds_service.terminology.model import Coding, Kind, Resolution

__all__ = ["Coding", "Kind", "Resolution", "Terminology"]
